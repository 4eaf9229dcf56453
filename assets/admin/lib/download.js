// Saves text made by the page as a file.

/**
 * @param {string} fileName
 * @param {string} text
 */
export function downloadText(fileName, text) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = fileName;
  link.click();
  // The browser may read it only after the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}
