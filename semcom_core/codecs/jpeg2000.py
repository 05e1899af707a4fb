"""JPEG2000 with an ideal channel code: the digital link at Shannon's limit."""

from __future__ import annotations

import hashlib
import io
import math
from functools import lru_cache

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from semcom_core.codecs.base import Decoded, IdealCodec
from semcom_core.networks.judge import Judge

CHANNEL_USES = 1568
SIZE = 32
BUDGETS = (140, 180, 220, 280, 360, 500, 800, 1500)
"""Bytes at which the classifier's accuracy on held-out pictures is tabled."""
SLACK = 1e-4
"""Bits per use that float32 may lose where rate and capacity are the same number."""

SOC, SOT, COM = b"\xff\x4f", b"\xff\x90", b"\xff\x64"


def without_comment(codestream: bytes) -> bytes:
    """The same codestream without its comment: 39 bytes of ``Created by OpenJPEG …``, which cost channel uses.

    Walks the main header's marker segments (ISO/IEC 15444-1, Annex A) and stops at the first tile.
    """
    kept, place = codestream[:2], 2
    while codestream[place : place + 2] != SOT:
        end = place + 2 + int.from_bytes(codestream[place + 2 : place + 4], "big")
        if codestream[place : place + 2] != COM:
            kept += codestream[place:end]
        place = end
    return kept + codestream[place:]


def codestream(pixels: np.ndarray, target: float | None = None) -> bytes:
    """One raw codestream (no JP2 boxes), irreversible 9/7 wavelet, YCbCr, three resolutions.

    Three resolutions, since each more costs header bytes that a picture of 32×32 does not earn back.

    Args:
        pixels: uint8 (H,W,3).
        target: bytes for the encoder's rate control to aim at; it misses by up to about 30. All bits if omitted.
    """
    file = io.BytesIO()
    rates = {} if target is None else {"quality_mode": "rates", "quality_layers": [pixels.size / target]}
    Image.fromarray(pixels).save(
        file, "JPEG2000", no_jp2=True, irreversible=True, mct=1, num_resolutions=3, **rates
    )  # fmt: skip
    return without_comment(file.getvalue())


def compress(pixels: np.ndarray, budget: int) -> bytes | None:
    """The codestream of highest quality with at most ``budget`` bytes, header included; ``None`` if none fits.

    Args:
        pixels: uint8 (H,W,3).
    """
    return _compress(pixels.tobytes(), pixels.shape, budget)


@lru_cache(maxsize=4096)
def _compress(raw: bytes, shape: tuple[int, ...], budget: int) -> bytes | None:
    pixels = np.frombuffer(raw, np.uint8).reshape(shape)
    best, fits, too_much, target = None, 1.0, math.inf, max(2.0, budget + 20.0)
    for _ in range(7):
        found = codestream(pixels, target)
        spare = budget - len(found)
        if spare >= 0:
            best, fits = (found if best is None or len(found) > len(best) else best), target
        else:
            too_much = min(too_much, target)
        if 0 <= spare <= 2 or (spare > 40 and target > pixels.size):  # spent, or nothing more to say
            break
        # The encoder's miss changes slowly: aim off by it, but stay between what fits and what does not.
        aim = target + (spare if spare > 0 else spare - 1)
        target = aim if fits < aim < too_much else (fits + min(too_much, 2 * fits + 8.0)) / 2
        if too_much - fits < 1.0:
            break
    return best


def decompress(stream: bytes) -> np.ndarray:
    """A codestream's pixels, uint8 (H,W,3)."""
    with Image.open(io.BytesIO(stream), formats=["JPEG2000"]) as image:
        return np.asarray(image.convert("RGB"))


def to_pixels(picture: Tensor) -> np.ndarray:
    """(C,H,W) in [0,1] to uint8 (H,W,C)."""
    return (picture * 255.0).round().clamp(0, 255).byte().permute(1, 2, 0).contiguous().cpu().numpy()


def to_pictures(pixels: np.ndarray) -> Tensor:
    """uint8 (B,H,W,C) to float32 (B,C,H,W) in [0,1]."""
    return torch.from_numpy(np.array(pixels)).permute(0, 3, 1, 2).float() / 255.0


class JPEG2000Codec(IdealCodec):
    r"""JPEG2000 and a capacity-achieving code, the "ideal digital link" of Bourtsoulatze, Kurka and Gündüz,
    "Deep Joint Source-Channel Coding for Wireless Image Transmission", IEEE TCCN 5(3), 2019.

    ::

        I 3×32×32 ─ JPEG2000 at ⌊1568·R/8⌋ bytes ─ ideal code at R bits/use ─ channel
              C ≥ R: the same bytes ─ JPEG2000⁻¹ ─ Î ─ classifier ─ logits
              C < R: outage ─ mean training picture, all classes equally likely

    AWGN: ``R = C = log2(1 + SNR)``. Fading: the sender knows only the mean SNR, so the rate is fixed
    and the link is in outage where ``log2(1 + |h|² SNR) < R``; the rate is the one with the best expected
    accuracy ``(1 − P_out) a(bytes) + P_out/K`` under Rayleigh fading, with a(·) tabled on held-out
    pictures. :meth:`outage_target` states the probability that results.

    An ideal code cannot be run: it is infinitely long and decoded by trying all messages. The
    symbols of :meth:`encode` are codewords of a public Gaussian codebook, whose index is the
    codestream's SHA-256; :meth:`deliver` applies Shannon's limit instead of decoding. So this
    link is better than any real one. Nothing is hidden from an eavesdropper: whoever has
    a channel that carries the rate has the picture. RepObE reports neither rate nor outage rule of its
    JPEG2000 baseline, nor its classifier: all three are our choices.

    Args:
        classes: number of classes.

    Shape: images ``(B, 3, 32, 32) in [0, 1]``, symbols ``(B, 1568)``.
    """

    size = SIZE
    channel_uses = CHANNEL_USES
    mean_picture: Tensor
    held_out_accuracy: Tensor

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.classes = classes
        self.reader = Judge(3, SIZE, classes)
        self.register_buffer("mean_picture", torch.full((3, SIZE, SIZE), 0.5))
        self.register_buffer("held_out_accuracy", torch.linspace(0.3, 0.9, len(BUDGETS)))

    def read_class(self, picture: Tensor) -> Tensor:
        """Class logits (B,K) of pictures (B,3,H,W) in [0,1]."""
        return self.reader(picture).float()

    # Rate --------------------------------------------------------------------------------

    def budget(self, rate: float) -> int:
        """Bytes of one message at ``rate`` bits per channel use."""
        return math.floor(self.channel_uses * rate / 8 + 1e-6)  # a whole number of bytes stays one

    def rate(self, snr_db: float, fading: bool) -> float:
        """Bits per channel use that the sender picks from the mean SNR."""
        snr = 10 ** (snr_db / 10)
        if not fading:
            return math.log2(1 + snr)
        budgets = np.arange(BUDGETS[0], BUDGETS[-1] + 1)
        rates = 8 * budgets / self.channel_uses
        accuracy = np.interp(np.log(budgets), np.log(BUDGETS), self.held_out_accuracy.double().cpu().numpy())
        outage = _rayleigh_outage(rates, snr)
        return float(rates[np.argmax((1 - outage) * accuracy + outage / self.classes)])

    def outage_target(self, snr_db: float) -> float:
        """Probability of an outage under Rayleigh fading at the rate that the sender picks."""
        return float(_rayleigh_outage(self.rate(snr_db, fading=True), 10 ** (snr_db / 10)))

    # Link --------------------------------------------------------------------------------

    def encode(self, image: Tensor, rate: float = math.inf) -> Tensor:
        """Images (B,3,32,32) in [0,1] to codewords (B,1568), each of unit power.

        Args:
            rate: bits per channel use. Without it the codestream that is hashed has all bits: the
                codeword is another one then, but just as good to look at or to listen to.
        """
        return torch.stack([_codeword(self._stream(picture, rate) or b"", self.channel_uses) for picture in image])

    def deliver(self, native: Tensor, snr_db: float, noise: Tensor, fading: bool) -> Decoded:
        rate = self.rate(snr_db, fading)
        carried = torch.log2(1 + 1 / noise.double()) >= rate - SLACK
        image = self.mean_picture.to(native).repeat(len(native), 1, 1, 1)
        arrived = []
        for number, picture in enumerate(native):
            stream = self._stream(picture, rate) if carried[number] else None
            if stream is not None:
                image[number] = to_pictures(decompress(stream)[None])[0].to(native)
                arrived.append(number)
        logits = torch.zeros(len(native), self.classes, device=native.device)
        if arrived:
            logits[arrived] = self.read_class(image[arrived])
        return Decoded(image, logits)

    def _stream(self, picture: Tensor, rate: float) -> bytes | None:
        pixels = to_pixels(picture)
        return codestream(pixels) if math.isinf(rate) else compress(pixels, self.budget(rate))


def _rayleigh_outage(rate: float | np.ndarray, snr: float) -> float | np.ndarray:
    """``P[log2(1 + |h|² SNR) < R] = 1 − exp(−(2^R − 1)/SNR)``, since |h|² is exponential."""
    return 1 - np.exp(-(2.0**rate - 1) / snr)


def _codeword(stream: bytes, uses: int) -> Tensor:
    """The codestream's entry in the public codebook: Gaussian, scaled to unit power."""
    rng = np.random.default_rng(int.from_bytes(hashlib.sha256(stream).digest(), "big"))
    parts = rng.normal(size=(2, uses))
    parts *= math.sqrt(uses) / np.linalg.norm(parts)
    return torch.complex(*torch.from_numpy(parts).float())
