/** What makes a drawn object open its menu: right-click and long-press. The key is the page's. */

const longPressMs = 500;

/** An attachment: `open` is called with the object when it is asked for its menu. */
export function opensMenu(open: (anchor: Element) => void): (element: Element) => () => void {
  return (element) => {
    let pressed: ReturnType<typeof setTimeout> | undefined;
    let isLong = false;
    const release = (): void => clearTimeout(pressed);
    const handlers: Readonly<Record<string, (event: Event) => void>> = {
      contextmenu: (event) => {
        event.preventDefault();
        open(element);
      },
      pointerdown: (event) => {
        isLong = false;
        // Touch has no right button.
        if (!(event instanceof PointerEvent) || event.pointerType !== 'touch') return;
        release();
        pressed = setTimeout(() => {
          isLong = true;
          open(element);
        }, longPressMs);
      },
      // No click follows, and the focus stays in the menu.
      touchend: (event) => {
        if (isLong) event.preventDefault();
      },
      pointerup: release,
      pointerleave: release,
      pointercancel: release,
    };
    /** The tap that ends a long press asks for nothing more. */
    const swallow = (event: Event): void => {
      if (isLong) event.stopImmediatePropagation();
      isLong = false;
    };
    for (const [type, handler] of Object.entries(handlers)) element.addEventListener(type, handler);
    element.addEventListener('click', swallow, true);
    return () => {
      release();
      for (const [type, handler] of Object.entries(handlers)) element.removeEventListener(type, handler);
      element.removeEventListener('click', swallow, true);
    };
  };
}
