"""The drawn objects of the gallery: one line a picture, one picture a class of CIFAR-10 at least.

They are sent at 32×32 pixels, so clear outlines and natural colours matter and detail does not.
``GALLERY`` maps a key to (class name, title, function without arguments).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PIL import Image

from semcom_core.drawing.animals import bird, cat, deer, dog, frog, horse
from semcom_core.drawing.traffic import airplane, automobile, ship
from semcom_core.drawing.vehicles import garbage_truck

Draw = Callable[[], Image.Image]

GALLERY: dict[str, tuple[str, str, Draw]] = {
    "ship": ("ship", "Freighter", partial(ship, 1)),
    "airplane": ("airplane", "Airliner", partial(airplane, 1)),
    "automobile": ("automobile", "Red car", partial(automobile, 1)),
    "bird": ("bird", "Songbird", partial(bird, 1)),
    "cat": ("cat", "Tabby", partial(cat, 1)),
    "deer": ("deer", "Stag", partial(deer, 1)),
    "dog": ("dog", "Retriever", partial(dog, 1)),
    "frog": ("frog", "Frog", partial(frog, 1)),
    "horse": ("horse", "Horse", partial(horse, 1)),
    "truck": ("truck", "Garbage truck", partial(garbage_truck, 1)),
}
