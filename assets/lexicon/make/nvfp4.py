"""NVFP4 as it is exported and as training sees it: e2m1 codes, an e4m3 scale for 16 values of a row, a scale of the tensor.
A block's largest value is put at 6 or at 4, whichever leaves the smaller squared error («four over six»): with 4 the other
codes lie closer together where a block has no outlier. The scale of the tensor is a power of two, so that every
dequantized weight has at most six significant bits: bfloat16 holds it exactly, and training sees the very numbers that an
engine computes with."""

from __future__ import annotations

import torch

BLOCK = 16
LARGEST_SCALE = 448.0
SMALLEST_SCALE = 2.0 ** -9
CODES = torch.tensor([0, 1, 2, 3, 4, 4, 5, 5, 6, 6, 6, 6, 7], dtype=torch.uint8)  # by twice the magnitude


def round_e2m1(x: torch.Tensor) -> torch.Tensor:
    """To 0, .5, 1, 1.5, 2, 3, 4 or 6 with the sign; ties to the even code."""
    a = x.abs().clamp_max(6.0)
    r = torch.where(a < 2, torch.round(a * 2) / 2, torch.where(a < 4, torch.round(a), torch.round(a / 2) * 2))
    return torch.copysign(r, x)


def quantize(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """weight [rows, columns] -> values on the e2m1 grid and e4m3-valued scales, both [rows, blocks, 16 or 1], and the tensor's scale."""
    x = weight.float().view(weight.shape[0], -1, BLOCK)
    top = x.abs().amax(-1, keepdim=True)
    tensor = torch.exp2(torch.ceil(torch.log2(top.amax().clamp_min(1e-30) / (4 * LARGEST_SCALE))))
    values = scales = errors = None
    for at in (6.0, 4.0):
        s = (top / (at * tensor)).clamp(SMALLEST_SCALE, LARGEST_SCALE).to(torch.float8_e4m3fn).float()
        v = round_e2m1(x / (s * tensor))
        e = (v * (s * tensor) - x).square().sum(-1, keepdim=True)
        if errors is None:
            values, scales, errors = v, s, e
        else:
            better = e < errors
            values, scales, errors = torch.where(better, v, values), torch.where(better, s, scales), torch.minimum(e, errors)
    return values, scales, tensor


def simulate(weight: torch.Tensor) -> torch.Tensor:
    """What is left of a weight after quantization, in its shape."""
    values, scales, tensor = quantize(weight)
    return (values * (scales * tensor)).view(weight.shape)


def plain(weight: torch.Tensor) -> torch.Tensor:
    """The usual quantization to the nearest, block maximum at 6: for comparison."""
    x = weight.float().view(weight.shape[0], -1, BLOCK)
    top = x.abs().amax(-1, keepdim=True)
    tensor = top.amax().clamp_min(1e-30) / (6 * LARGEST_SCALE)
    s = (top / (6 * tensor)).clamp(SMALLEST_SCALE, LARGEST_SCALE).to(torch.float8_e4m3fn).float() * tensor
    return (round_e2m1(x / s) * s).view(weight.shape)


def unpack(codes: torch.Tensor, scales: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
    """What `pack` stored, as float32 weights."""
    of = torch.tensor([0, .5, 1, 1.5, 2, 3, 4, 6])
    nibbles = torch.stack([codes & 15, codes >> 4], -1).view(codes.shape[0], -1, BLOCK).long()
    values = torch.where(nibbles < 8, of[nibbles & 7], -of[nibbles & 7])
    return (values * (scales.float() / divisor)[..., None]).view(codes.shape[0], -1)


def pack(weight: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """As compressed-tensors stores it: codes U8 [rows, columns / 2] with the even column low, scales F8_E4M3, and what divides."""
    values, scales, tensor = quantize(weight.cpu())
    codes = CODES[(values.abs() * 2).round().long()] | ((values < 0).to(torch.uint8) << 3)
    pairs = codes.view(weight.shape[0], -1, 2)
    return pairs[..., 0] | (pairs[..., 1] << 4), scales.squeeze(-1).to(torch.float8_e4m3fn), (1 / tensor).reshape(1)
