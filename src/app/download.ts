/** Files that the reader takes away. */

/** How long the browser has to begin with it. */
const keptMs = 60_000;

/** Gives the reader a file; where it goes is the browser's affair. */
export function download(name: string, bytes: Uint8Array): void {
  const url = URL.createObjectURL(new Blob([new Uint8Array(bytes)], { type: 'application/octet-stream' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), keptMs);
}
