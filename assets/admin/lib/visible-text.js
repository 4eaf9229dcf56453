// Makes text from outside say what it is made of: characters without a shape of their own, and those that turn the writing
// direction, are shown as codes, so that nobody is deceived about a name or an address.

/** Unicode's Bidi_Control, without the marks that Arabic and Hebrew text needs. */
const directionChanging = /[\u202a-\u202e\u2066-\u2069]/u;
/** Shown as nothing: Default_Ignorable_Code_Point, and the empty Braille cell. */
const invisible = /[\p{Default_Ignorable_Code_Point}\u2800]/u;
/** Joiners and variation selectors change how the character before them looks. */
const modifier = /\p{Join_Control}|\p{Variation_Selector}/u;
const modifiable = /[\p{Extended_Pictographic}\p{Emoji_Modifier}\ufe0f]|(?!\p{Script=Inherited})\p{M}|(?![\p{Script=Latin}\p{Script=Greek}\p{Script=Cyrillic}])\p{L}/u;

/**
 * The text in pieces; those of odd places are to be shown as codes.
 * @param {string} text
 * @param {{prose?: boolean}} [options] `prose`: of a text in sentences, which may have been pasted from anywhere, only what
 *   changes its direction
 * @returns {string[]}
 */
export function visiblePieces(text, { prose = false } = {}) {
  const hidden = prose ? directionChanging : invisible;
  if (!hidden.test(text)) return [text];
  const pieces = [''];
  let previous = '';
  for (const character of text) {
    const isModifier = modifier.test(character) && modifiable.test(previous);
    if (hidden.test(character) && !isModifier) pieces.push(codeOf(character), '');
    else pieces[pieces.length - 1] += character;
    previous = character;
  }
  return pieces;
}

/** Whether there is something to see. */
export function isVisible(text) {
  return visiblePieces(text).some((piece, index) => index % 2 === 0 && piece.trim() !== '');
}

function codeOf(character) {
  return `U+${/** @type {number} */ (character.codePointAt(0)).toString(16).toUpperCase().padStart(4, '0')}`;
}

/**
 * The domain of an address as the Internet writes it, if that is another one than it looks like: a Cyrillic "а" in it is
 * told from a Latin one only there.
 * @param {string} address
 */
export function asciiDomain(address) {
  const domain = address.slice(address.lastIndexOf('@') + 1);
  if (/^[\x20-\x7e]*$/.test(domain)) return null;
  const url = `http://${domain}`;
  return URL.canParse(url) ? new URL(url).hostname : null;
}
