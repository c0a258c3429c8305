"""Muon on the matrices of the layers, Adam on embedding and norms. Masters are float32; the model's own weights are bfloat16
copies, written after each step, through the quantizer in the quantization-aware finish: the gradient with respect to the
quantized weight then moves the master (the straight-through estimate)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn

import nvfp4

DECAY = .05


def orthogonalize(g: Tensor) -> Tensor:
    """Newton-Schulz iterations toward the nearest semi-orthogonal matrix, batched; coefficients of Jordan's Muon."""
    x = g.bfloat16()
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(5):
        a = x @ x.mT
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * (a @ a)) @ x
    return (x.mT if tall else x).float()


class Optimizer:
    def __init__(self, model: nn.Module, rate: float) -> None:
        self.named = list(model.named_parameters())
        self.masters = [p.detach().float().clone() for _, p in self.named]
        self.rate, self.steps = rate, 0
        fast = next(model.parameters()).is_cuda
        self.orthogonalize: Callable[[Tensor], Tensor] = torch.compile(orthogonalize) if fast else orthogonalize
        self.simulate: Callable[[Tensor], Tensor] = torch.compile(nvfp4.simulate) if fast else nvfp4.simulate
        self.groups: dict[tuple[int, ...], list[int]] = {}
        self.others: list[int] = []
        for i, (name, p) in enumerate(self.named):
            if p.ndim == 2 and name != 'embed_tokens':
                self.groups.setdefault(tuple(p.shape), []).append(i)
            else:
                self.others.append(i)
        self.momentum = {shape: torch.zeros(len(of), *shape, device=self.masters[0].device) for shape, of in self.groups.items()}
        self.first = {i: torch.zeros_like(self.masters[i]) for i in self.others}
        self.second = {i: torch.zeros_like(self.masters[i]) for i in self.others}

    @torch.no_grad()
    def step(self, factor: float, quantized: bool) -> None:
        """One update at `rate · factor`; leaves the model with weights that are quantized, or not."""
        self.steps += 1
        rate = self.rate * factor
        for shape, of in self.groups.items():
            g = torch.stack([self.named[i][1].grad for i in of]).float()
            m = self.momentum[shape]
            m.mul_(.95).add_(g, alpha=.05)
            update = self.orthogonalize(g.mul(.05).add(m, alpha=.95))
            for j, i in enumerate(of):
                self.masters[i].mul_(1 - rate * DECAY).add_(update[j], alpha=-rate * .2 * math.sqrt(max(shape)))
        for i in self.others:
            g = self.named[i][1].grad.float()
            self.first[i].lerp_(g, .1)
            self.second[i].lerp_(g * g, .02)
            self.masters[i].addcdiv_(self.first[i] / (1 - .9 ** self.steps), (self.second[i] / (1 - .98 ** self.steps)).sqrt() + 1e-10, value=-rate)
        for _, p in self.named:
            p.grad = None
        self.write(self.simulate if quantized else None)

    @torch.no_grad()
    def write(self, how: Callable[[Tensor], Tensor] | None) -> None:
        """Copies the masters to the model, matrices through `how`."""
        for (_, p), master in zip(self.named, self.masters):
            p.copy_(how(master) if how is not None and master.ndim == 2 else master)
