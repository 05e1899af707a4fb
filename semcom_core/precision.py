"""Mixed precision where it pays: bf16 with hardware for it, float32 elsewhere."""

from __future__ import annotations

from functools import cache

import torch


@cache
def bf16_pays(device_type: str) -> bool:
    """Whether bf16 is faster than float32 on this kind of device.

    A CPU without AMX or AVX512-BF16 emulates it, at about a third of float32's speed.
    """
    if device_type != "cpu":
        return True
    features = torch.cpu.get_capabilities()
    return bool(features.get("amx_bf16") or features.get("avx512_bf16") or features.get("bf16"))


def autocast(device_type: str, wanted: bool = True) -> torch.autocast:
    """``torch.autocast`` to bf16, switched off where it would only cost."""
    return torch.autocast(device_type, torch.bfloat16, enabled=wanted and bf16_pays(device_type))
