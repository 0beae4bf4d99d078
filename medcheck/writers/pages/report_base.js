// What the other parts share: elements, labels in two languages, packed data.
// Text from data enters the page only as text nodes; no markup is ever parsed here.
'use strict';

const LABELS = JSON.parse(document.getElementById('labels').textContent);
const FLAGS = { failed: 1, harm: 2, unmeasured: 4 };
let language = 'en';

/** Make an element; children are elements, or texts. */
function make(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (typeof value === 'function') element.addEventListener(name, value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat().filter((child) => child != null && child !== false && child !== ''));
  return element;
}

/** The word for a key, in the language of the page. */
function word(key) {
  return LABELS[language][key] ?? key;
}

/** An element with the word for a key; it follows the language switch. */
function label(key, tag = 'span', attributes = {}) {
  return make(tag, { ...attributes, 'data-t': key }, word(key));
}

function setLanguage(chosen) {
  language = Object.hasOwn(LABELS, chosen) ? chosen : 'en';
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-t]')) {
    element.textContent = word(element.dataset.t);
  }
  for (const element of document.querySelectorAll('[data-t-hint]')) {
    element.setAttribute('placeholder', word(element.dataset.tHint));
    element.setAttribute('aria-label', word(element.dataset.tHint));
  }
  for (const button of document.querySelectorAll('[data-language]')) {
    button.setAttribute('aria-pressed', String(button.dataset.language === language));
  }
}

/** Text from data, kept apart from its surroundings whatever its writing direction. */
function said(text, attributes = {}) {
  return make('bdi', attributes, String(text));
}

function number(value) {
  const text = value.toFixed(3);
  return text === '-0.000' ? '0.000' : text;
}

/** The number as short as it can be written: points, pass marks, scores on a scale. */
function short(value) {
  return String(Number(value.toFixed(3)));
}

function dot(entry) {
  return make('i', { class: `dot e${entry % 8}`, 'aria-hidden': 'true' });
}

/** A link to a place of this page; never to another one. */
function fragment(parameters) {
  return `#${new URLSearchParams(parameters)}`;
}

/** The value that an inert element holds: gzipped JSON in base64. */
async function unpack(id) {
  const packed = document.getElementById(id).textContent;
  const bytes = Uint8Array.from(atob(packed), (character) => character.charCodeAt(0));
  const plain = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return new Response(plain).json();
}

const unpackedBlocks = new Map();

/** A block of cases; the last few stay unpacked, so that going on to the next case is instant. */
function block(number) {
  if (!unpackedBlocks.has(number)) {
    if (unpackedBlocks.size >= 8) unpackedBlocks.delete(unpackedBlocks.keys().next().value);
    unpackedBlocks.set(number, unpack(`block-${number}`));
  }
  return unpackedBlocks.get(number);
}
