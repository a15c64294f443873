"""What only a script within the page can do: drop, paste, and fill a gallery."""

from __future__ import annotations

DROP = """
async ([path, zone, name]) => {
  const bytes = await (await fetch(path)).blob();
  const held = new DataTransfer();
  held.items.add(new File([bytes], name, { type: bytes.type }));
  const say = (type, on) =>
    on.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: held }));
  say("dragenter", document.body);
  const target = document.querySelector(`[data-zone="${zone}"]`);
  say("dragover", target);
  say("drop", target);
}
"""
"""Drops what a path gives on a zone, as a file of a name: [path, zone, name]."""
PASTE = """
async (path) => {
  const bytes = await (await fetch(path)).blob();
  const held = new DataTransfer();
  held.items.add(new File([bytes], "pasted.png", { type: bytes.type }));
  const having = { bubbles: true, cancelable: true, clipboardData: held };
  document.body.dispatchEvent(new ClipboardEvent("paste", having));
}
"""
"""Pastes what a path gives."""
GALLERY = """
async (number) => {
  const { Gallery } = await import("/assets/gallery.js");
  const make = (item) => {
    const tile = document.createElement("article");
    tile.className = "tile";
    const link = document.createElement("a");
    link.href = "#/library";
    link.textContent = item.title;
    tile.append(link);
    return tile;
  };
  const gallery = new Gallery({ label: "Many", make });
  document.getElementById("main").replaceChildren(gallery.node);
  const started = performance.now();
  gallery.setItems(Array.from({ length: number }, (_, at) => ({ title: `Item ${at}` })));
  gallery.enter();
  const filled = performance.now() - started;
  const next = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
  const frame = () => new Promise(next);
  let most = gallery.node.childElementCount;
  const height = gallery.node.offsetHeight;
  for (let at = 0; at <= 40; at++) {
    scrollTo({ top: (height * at) / 40, behavior: "instant" });
    await frame();
    most = Math.max(most, gallery.node.childElementCount);
  }
  scrollTo({ top: 0, behavior: "instant" });
  await frame();
  const jumped = performance.now();
  gallery.focus(number - 1);
  const jump = performance.now() - jumped;
  return { filled, most, jump, focused: document.activeElement.textContent };
}
"""
"""Shows so many items, scrolls through them, and gives the time and tiles that it took."""
