r"""The one-time rotation: a fresh random unitary for each message.

Bianchi, Bioglio and Magli ("On the security of random linear measurements", ICASSP 2014;
"Analysis of one-time random projections for privacy preserving compressed sensing", IEEE TIFS
11(2), 2016) showed that a random linear map used once can hide everything but a signal's
energy. Here the map is square and unitary, so it costs the legitimate link nothing, and the
codec fixes the energy (eq. 3 of RepObE), so there is nothing left to leak.

Both forms are linear, ``x = U s``. Used twice, they fall to linear algebra
(:mod:`semcom_core.attacks.fixed_rotation`).
"""

from __future__ import annotations

import numpy as np

from semcom_core.ciphers.keys import SeedKey


class HaarRotation:
    r"""``x = U s`` with ``U`` Haar-distributed on U(n): the form with a proof.

    ::

        s ─ D ─ H_{n−2} ─ … ─ H_1 ─ H_0 ─ x        x ─ H_0 ─ H_1 ─ … ─ H_{n−2} ─ D* ─ s
            n phases   H_j reflects coordinates j…n−1     (a reflection is its own inverse)

    Reflection ``H_j = I − β w w*`` takes ``v_j ~ CN(0,1)^{n−j}`` to a multiple of the first
    coordinate: ``w = v_j + e^{iθ}‖v_j‖ e_1``, ``θ = arg v_j[0]``, and ``D_j = −e^{iθ}`` puts the
    phase right, so that the first column of ``H_j D_j`` is ``v_j/‖v_j‖`` itself. By the subgroup
    algorithm the product is exactly Haar (Stewart, SIAM J. Numer. Anal. 17, 1980; the phases:
    Mezzadri, Notices of the AMS 54, 2007).

    Why it hides: Haar measure does not change under ``U → U V``. For any two signals of equal
    norm some unitary ``V`` takes one to the other, so ``U s`` has the same law for both: uniform
    on the sphere. Then an eavesdropper with any channel learns nothing of ``s``.

    Assumes: ``‖s‖`` is the same for every message; the key is used once; the key stream is
    random (as built: ChaCha20, hence computational secrecy); numbers are real (as built:
    Gaussians from a 2⁻³² grid, see :meth:`KeyStream.complex_normal`, float64 inside, float32
    out). It gives no integrity: a change on the air arrives, rotated.

    Args:
        key: expanded to n(n+1)/2 complex Gaussians (n = 1,568: 9.8 MB of key stream).
        n: symbols in a message, at least 1.
    """

    def __init__(self, key: SeedKey, n: int) -> None:
        lengths = np.arange(n, 0, -1)
        self._starts = np.concatenate([[0], np.cumsum(lengths)])
        w = key.stream().complex_normal(int(self._starts[-1]))  # v_0, v_1, …, v_{n−1} end to end
        first = self._starts[:-1]
        norm = np.sqrt([np.vdot(v, v).real for v in np.split(w, first[1:])])
        modulus = np.abs(w[first])
        phase = w[first] / np.where(modulus > 0, modulus, 1.0)
        phase[modulus == 0] = 1.0
        w[first] += phase * norm
        self.n = n
        self._w = w
        self._beta = 1.0 / (norm * (norm + modulus))
        self._phases = -phase
        self._phases[-1] = phase[-1]  # a 1×1 unitary is its phase; there is no reflection left

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Symbols (m,n), one message a row, to ``U s`` (m,n), complex128."""
        x = self._checked(s) * self._phases
        for j in range(self.n - 2, -1, -1):
            self._reflect(x, j)
        return x

    def invert(self, x: np.ndarray) -> np.ndarray:
        """Symbols (m,n), one message a row, to ``U* x`` (m,n), complex128."""
        s = self._checked(x)
        for j in range(self.n - 1):
            self._reflect(s, j)
        return s * self._phases.conj()

    def _reflect(self, x: np.ndarray, j: int) -> None:
        w, tail = self._w[self._starts[j] : self._starts[j + 1]], x[:, j:]
        if len(x) == 1:  # one message: half the overhead of a general product
            tail[0] -= (self._beta[j] * np.vdot(w, tail[0])) * w
        else:
            tail -= np.outer(self._beta[j] * (tail @ w.conj()), w)

    def _checked(self, symbols: np.ndarray) -> np.ndarray:
        return _checked(symbols, self.n, np.complex128)


class FastRotation:
    r"""``x = U s`` with a structured ``U``: about a hundred times faster, and without a proof.

    ::

        s ─ phases ─┬─ FFT ─ permutation ─ phases ─┬─ … three rounds … ─ x
                    └──────────── one round ───────┘

    Every factor is unitary (``norm="ortho"``), so norm, inverse and the cost to the link are
    those of :class:`HaarRotation`. It is *pseudo-Haar*: ``U`` has (rounds + 1)·n phases where a
    Haar unitary has n² real parameters. Two rounds make ``E[x x*]`` white for every ``s``; that
    the whole law is close to uniform on the sphere is measured, not proved.

    After the structured random rotations ``H D₃ H D₂ H D₁`` of Yu et al. ("Orthogonal Random
    Features", NeurIPS 2016), here with keyed phases and permutations.

    Args:
        key: expanded to phases and permutations.
        n: symbols in a message.
        rounds: at least 2.
    """

    def __init__(self, key: SeedKey, n: int, rounds: int = 3) -> None:
        if rounds < 2:
            raise ValueError(f"A fast rotation needs at least 2 rounds, not {rounds}.")
        stream = key.stream()
        self.n = n
        self._phases = stream.phases((rounds + 1) * n).astype(np.complex64).reshape(rounds + 1, n)
        self._orders = [stream.permutation_by_sorting(n) for _ in range(rounds)]

    def apply(self, s: np.ndarray) -> np.ndarray:
        """Symbols (m,n), one message a row, to ``U s`` (m,n), complex64."""
        x = _checked(s, self.n, np.complex64) * self._phases[0]
        for order, phases in zip(self._orders, self._phases[1:], strict=True):
            x = np.fft.fft(x, norm="ortho")[:, order] * phases
        return x

    def invert(self, x: np.ndarray) -> np.ndarray:
        """Symbols (m,n), one message a row, to ``U* x`` (m,n), complex64."""
        s = _checked(x, self.n, np.complex64)
        for order, phases in zip(reversed(self._orders), reversed(self._phases[1:]), strict=True):
            unordered = np.empty_like(s)
            unordered[:, order] = s * phases.conj()
            s = np.fft.ifft(unordered, norm="ortho")
        return s * self._phases[0].conj()


def _checked(symbols: np.ndarray, n: int, dtype: type) -> np.ndarray:
    """A copy of (m,n) symbols in the working precision."""
    if symbols.ndim != 2 or symbols.shape[1] != n:
        raise ValueError(f"This rotation turns messages of {n} symbols; got an array of shape {symbols.shape}.")
    return np.array(symbols, dtype=dtype)
