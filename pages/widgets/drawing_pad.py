"""A drawing pad for digits: a small canvas as a Streamlit component, no iframe, no network.

Draw with mouse, finger or pen, or with the keyboard: arrow keys move the pen, the space bar
lifts it or puts it down. The picture (dark ink on white paper) is sent when the pen is lifted.
"""

from __future__ import annotations

import streamlit as st

from pages.widgets.strings import t

_HTML = """
<div class="pad">
  <canvas width="280" height="280" tabindex="0" role="img"></canvas>
  <div class="row"><button type="button" class="undo"></button><button type="button" class="clear"></button></div>
</div>
"""

_CSS = """
.pad { max-width: 280px; }
canvas { width: 100%; aspect-ratio: 1; background: #fff; border: 1px solid var(--st-border-color);
         border-radius: var(--st-base-radius); touch-action: none; cursor: crosshair; display: block; }
canvas:focus-visible, button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; }
.row { display: flex; gap: 8px; margin-top: 8px; }
button { flex: 1; font: inherit; font-size: 14px; padding: 6px 10px; cursor: pointer; color: var(--st-text-color);
         background: var(--st-background-color); border: 1px solid var(--st-border-color);
         border-radius: var(--st-base-radius); }
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
"""

_JS = """
const pads = new WeakMap();

export default function (component) {
  const { data, parentElement, setStateValue } = component;
  const canvas = parentElement.querySelector('canvas');
  parentElement.querySelector('.undo').textContent = data.undo;
  parentElement.querySelector('.clear').textContent = data.clear;
  canvas.setAttribute('aria-label', data.label);
  // Python redraws the page after each stroke and calls this again: keep the strokes.
  const known = pads.get(canvas);
  if (known) { known.send = setStateValue; return; }
  const pad = { send: setStateValue, strokes: [], drawing: false, cursor: [140, 140], down: false };
  pads.set(canvas, pad);
  const ink = canvas.getContext('2d');

  const redraw = () => {
    ink.fillStyle = '#fff';
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.strokeStyle = '#111';
    ink.lineWidth = 24;
    ink.lineCap = ink.lineJoin = 'round';
    for (const stroke of pad.strokes) {
      ink.beginPath();
      ink.moveTo(...stroke[0]);
      for (const point of stroke) ink.lineTo(...point);
      ink.stroke();
    }
  };
  const report = () => pad.send('png', pad.strokes.length ? canvas.toDataURL('image/png') : null);
  const at = (event) => {
    const box = canvas.getBoundingClientRect();
    return [(event.clientX - box.left) * canvas.width / box.width,
            (event.clientY - box.top) * canvas.height / box.height];
  };

  canvas.onpointerdown = (event) => {
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    pad.drawing = true;
    pad.strokes.push([at(event)]);
    redraw();
  };
  canvas.onpointermove = (event) => {
    if (!pad.drawing) return;
    const stroke = pad.strokes[pad.strokes.length - 1];
    const fine = event.getCoalescedEvents ? event.getCoalescedEvents() : [];
    for (const one of fine.length ? fine : [event]) stroke.push(at(one));
    redraw();
  };
  canvas.onpointerup = canvas.onpointercancel = () => {
    if (!pad.drawing) return;
    pad.drawing = false;
    report();
  };

  const moves = { ArrowLeft: [-14, 0], ArrowRight: [14, 0], ArrowUp: [0, -14], ArrowDown: [0, 14] };
  const mark = () => {
    redraw();
    ink.beginPath();
    ink.arc(...pad.cursor, 6, 0, 7);
    ink.fillStyle = pad.down ? '#0072B2' : '#9aa';
    ink.fill();
  };
  canvas.onkeydown = (event) => {
    if (event.key === ' ') {
      event.preventDefault();
      pad.down = !pad.down;
      if (pad.down) { pad.strokes.push([[...pad.cursor]]); } else { redraw(); report(); }
      mark();
    } else if (event.key in moves) {
      event.preventDefault();
      const step = moves[event.key];
      pad.cursor = pad.cursor.map((value, k) => Math.min(270, Math.max(10, value + step[k])));
      if (pad.down) pad.strokes[pad.strokes.length - 1].push([...pad.cursor]);
      mark();
    }
  };
  canvas.onblur = () => { if (pad.down) { pad.down = false; redraw(); report(); } else redraw(); };

  parentElement.querySelector('.undo').onclick = () => { pad.strokes.pop(); redraw(); report(); };
  parentElement.querySelector('.clear').onclick = () => { pad.strokes = []; redraw(); report(); };
  redraw();
}
"""

_component = st.components.v2.component("semcom_drawing_pad", html=_HTML, css=_CSS, js=_JS)


def drawing_pad(key: str) -> str | None:
    """The pad; gives the drawing as a PNG data URL, or ``None`` while it is empty."""
    data = {"label": t("picture.draw.label"), "undo": t("picture.draw.undo"), "clear": t("picture.draw.clear")}
    return _component(key=key, data=data, default={"png": None}, on_png_change=lambda: None).png
