/** Whether this page stands by itself. */

/** False inside another page, where a visitor may be led to click what is not seen. */
export const isOwnPage = (): boolean => window.parent === window;
