/**
 * Making elements. Titles, names and tags come from strangers, so the only way that words reach
 * the page is as text nodes: nothing here, or anywhere else, parses markup.
 */

const SVG = "http://www.w3.org/2000/svg";

/** Strokes of the icons, in a box of 24 by 24. */
const ICONS = {
  search: "M10.5 17a6.5 6.5 0 1 0 0-13 6.5 6.5 0 0 0 0 13ZM20 20l-4.7-4.7",
  library: "M4 4h7v7H4zM13 4h7v7h-7zM4 13h7v7H4zM13 13h7v7h-7z",
  feed: "M12 3.5l2.3 5.6 6 .5-4.6 3.9 1.4 5.9L12 16.2l-5.1 3.2 1.4-5.9L3.7 9.6l6-.5z",
  albums: "M7 4h13v13H7zM4 8v12h12M10.5 14l2.5-3 2 2.2 1.4-1.4L20 15",
  interests: "M4 7h9M17 7h3M15 5v4M4 17h3M11 17h9M9 15v4M4 12h5M13 12h7M11 10v4",
  activity: "M3 12h4l2.5-7 5 14 2.5-7h4",
  add: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7.5",
  back: "M14.5 5.5L8 12l6.5 6.5",
  next: "M9.5 5.5L16 12l-6.5 6.5",
  like: "M12 20s-7.5-4.6-7.5-10.2A4.3 4.3 0 0 1 12 7.2a4.3 4.3 0 0 1 7.5 2.6C19.5 15.4 12 20 12 20Z",
  skip: "M5 5l9 7-9 7zM18 5v14",
  similar: "M9.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11ZM14.5 21a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11Z",
  why: "M9.3 9.2a2.8 2.8 0 1 1 4.3 2.4c-.9.6-1.6 1.2-1.6 2.4M12 17.2v.1M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18Z",
  play: "M8 5.5v13l10.5-6.5z",
  pause: "M8 5.5v13M16 5.5v13",
  image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 2.5-2.5 5 5M15.5 9.5v.1",
  video: "M4 6h11v12H4zM15 10.5l5-3v9l-5-3",
  audio: "M4 10v4M8 7v10M12 4v16M16 8v8M20 10.5v3",
  text: "M6 3.5h8.5L18.5 7.5v13H6zM9 10h6.5M9 13.5h6.5M9 17h4",
  theme: "M12 4a8 8 0 1 0 0 16zM12 4a8 8 0 0 1 0 16",
  more: "M6 12v.1M12 12v.1M18 12v.1",
  mute: "M4 9.5h3.5L12 6v12l-4.5-3.5H4zM16 9.5l5 5M21 9.5l-5 5",
  edit: "M5 19l1-4L15.5 5.5l3 3L9 18zM13.5 7.5l3 3",
  remove: "M5 7h14M10 7V4.5h4V7M7 7l.8 12.5h8.4L17 7",
  retry: "M19 12a7 7 0 1 1-2.2-5.1M19.5 4v4h-4",
  move: "M4 12h14M13 7l5 5-5 5",
};

/**
 * Make an element.
 *
 * @param {string} what tag and classes, as in "div.card.wide"
 * @param {Object} [having] attributes; `on` holds listeners by event, `data` the data attributes.
 *   True sets an attribute without value; false, null and undefined leave it out.
 * @param {...(Node|string|number|null|undefined|Array)} children strings become text
 * @returns {HTMLElement}
 */
export function element(what, having = {}, ...children) {
  const [tag, ...classes] = what.split(".");
  const made = document.createElement(tag);
  if (classes.length) made.className = classes.join(" ");
  for (const [name, value] of Object.entries(having)) put(made, name, value);
  made.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return made;
}

function put(made, name, value) {
  if (value === null || value === undefined || value === false) return;
  if (name === "on") {
    for (const [event, listener] of Object.entries(value)) made.addEventListener(event, listener);
  } else if (name === "data") {
    Object.assign(made.dataset, value);
  } else if (name === "value" || name === "checked" || name === "disabled") {
    made[name] = value;
  } else {
    made.setAttribute(name, value === true ? "" : String(value));
  }
}

/**
 * Make a picture of one of the known icons; it is hidden from screen readers.
 *
 * @param {keyof ICONS} name
 * @returns {SVGElement}
 */
export function icon(name) {
  const drawing = document.createElementNS(SVG, "svg");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("class", `icon icon-${name}`);
  drawing.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name] ?? ICONS.text);
  drawing.append(path);
  return drawing;
}

/**
 * Make a button.
 *
 * @param {string} label what it does; for an icon alone this is its name and its tooltip
 * @param {Function} press
 * @param {Object} [look] `icon`, `kind` (primary, quiet, icon, danger), further attributes in `having`
 * @returns {HTMLButtonElement}
 */
export function button(label, press, { icon: picture, kind = "plain", having = {} } = {}) {
  const bare = kind === "icon";
  return element(
    `button.button.${kind}`,
    {
      type: "button",
      "aria-label": bare ? label : null,
      title: bare ? label : null,
      ...having,
      on: { click: press },
    },
    picture ? icon(picture) : null,
    bare ? null : element("span", {}, label),
  );
}

/** Make a drawing element such as "rect", with attributes. */
export function drawn(tag, having, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(having)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

/** Put new children in place of those that are there. */
export function fill(parent, ...children) {
  parent.replaceChildren(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return parent;
}
