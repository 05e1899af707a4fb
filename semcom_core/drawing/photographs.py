"""The drawn photographs of the gallery: one line a picture.

Each renderer takes a seed and parameters (colours, position, background), so a picture that a
classifier misreads is repaired by another line here, not by other code. ``GALLERY`` maps a key
to (class name, title, function without arguments).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PIL import Image

from semcom_core.drawing.buildings import church
from semcom_core.drawing.machines import cassette_player, gas_pump
from semcom_core.drawing.objects import chain_saw, french_horn, tench
from semcom_core.drawing.outdoors import golf_ball, parachute, ram_air
from semcom_core.drawing.vehicles import garbage_truck

Draw = Callable[[], Image.Image]

GALLERY: dict[str, tuple[str, str, Draw]] = {
    "church-white": ("church", "Wooden church", partial(church, 1)),
    "church-stone": ("church", "Stone church", partial(church, 2, "stone", clouds=0.9, sky=("#5f7fa8", "#cdd6de"))),
    "church-brick": ("church", "Brick church", partial(church, 3, "brick")),
    "church-plaster": ("church", "Village church", partial(church, 4, "plaster", trees=False)),
    "parachute-red": ("parachute", "Round parachute", partial(parachute, 1)),
    "parachute-orange": ("parachute", "Orange parachute", partial(parachute, 2, "orange", pitch=-0.6)),
    "parachute-wing": ("parachute", "Sport parachute", partial(ram_air, 3)),
    "golf-ball-green": ("golf ball", "Golf ball on the green", partial(golf_ball, 1)),
    "golf-ball-close": ("golf ball", "Golf ball, close", partial(golf_ball, 4, x=0.48, y=0.5, radius=0.4, horizon=-0.1)),
    "golf-ball-tee": ("golf ball", "Golf ball on a tee", partial(golf_ball, 5, x=0.55, y=0.45, radius=0.26, horizon=0.3, tee=True)),
    "gas-pump-red": ("gas pump", "Red gas pump", partial(gas_pump, 1)),
    "gas-pump-globe": ("gas pump", "Gas pump with a globe", partial(gas_pump, 4, "#c3202a", x=0.54, globe=True)),
    "cassette-boombox": ("cassette player", "Portable stereo", partial(cassette_player, 1)),
    "cassette-silver": ("cassette player", "Silver stereo", partial(cassette_player, 2, "#b9bbbe", "#55585c")),
    "cassette-deck": ("cassette player", "Cassette deck", partial(cassette_player, 3, boombox=False)),
    "garbage-green": ("garbage truck", "Green garbage truck", partial(garbage_truck, 1)),
    "garbage-white": (
        "garbage truck", "White garbage truck", partial(garbage_truck, 2, "#e9e7e0", "#2f6fb3"),
    ),
    "garbage-orange": ("garbage truck", "Orange garbage truck", partial(garbage_truck, 3, "#d9822b", houses=False)),
    "french-horn-velvet": ("French horn", "French horn on velvet", partial(french_horn, 1)),
    "french-horn-white": ("French horn", "French horn on white", partial(french_horn, 2, backdrop="white")),
    "chain-saw-plain": ("chain saw", "Chain saw, plain", partial(chain_saw, 8, x=0.03, y=0.52, scale=0.98, table="plain")),
    "chain-saw-red": (
        "chain saw", "Red chain saw",
        partial(chain_saw, 29, "#c8202c", x=0.04, y=0.55, scale=1.12, table="plain", angle=13),
    ),
    "tench-held": ("tench", "Angler with a tench", partial(tench, 2, held=True, y=0.62, length=0.8)),
}  # fmt: skip
