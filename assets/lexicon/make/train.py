"""Trains the model and finishes it for NVFP4. Main part: Muon and Adam at a rate that is flat, then falls. Finish: the same
data at a low rate, forward and backward passes with the weights that the exporter's quantizer leaves. Masters before and
after the finish are saved, and the model exported, before anything is scored. Both parts are counted in steps, so that a
slower machine trains no less. The data may still be in the making: compiling comes first.

    python train.py DATA_FOLDER OUT_FOLDER [key=value …]
"""

from __future__ import annotations

import glob
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch.nn.attention.flex_attention import create_block_mask

import export
from encode import IGNORE, ROW, SHARDS
from model import Qwen3
from optimizer import Optimizer


@dataclass(frozen=True)
class Settings:
    rows: int = 256  # of 512 tokens, in a step
    steps: int = 4700
    finish_steps: int = 1000
    rate: float = 3e-3
    warm: int = 100
    flat: float = .4
    floor: float = .03
    finish_rate: float = .2


def settings(arguments: list[str]) -> Settings:
    types = {f.name: {'int': int, 'float': float}[f.type] for f in fields(Settings)}
    return Settings(**{k: types[k](v) for k, v in (a.split('=') for a in arguments)})


START = time.time()


def say(text: str) -> None:
    print(f'{time.time() - START:.0f} s: {text}', flush=True)


class Trainer:
    def __init__(self, s: Settings) -> None:
        self.s = s
        self.device = 'cuda' if torch.cuda.is_available() else 'cpu'
        torch.manual_seed(0)
        torch.set_float32_matmul_precision('high')
        self.model = Qwen3().to(self.device).bfloat16()
        self.optimizer = Optimizer(self.model, s.rate)
        self.loss = torch.compile(self.model.loss) if self.device == 'cuda' else self.model.loss
        self.mask = torch.compile(create_block_mask) if self.device == 'cuda' else None

    def backward(self, ids: torch.Tensor, targets: torch.Tensor, number: torch.Tensor, position: torch.Tensor) -> torch.Tensor:
        """Four [rows, ROW] int16; leaves gradients, returns the loss."""
        number = number.int()
        if self.mask is not None:
            mask = self.mask(lambda b, h, q, k: (q >= k) & (number[b, q] == number[b, k]), ids.shape[0], None, ROW, ROW, device=self.device)
        else:
            mask = ((number[:, :, None] == number[:, None, :]) & torch.ones(ROW, ROW, dtype=torch.bool).tril())[:, None]
        loss = self.loss(ids.long(), targets.long(), position.long(), mask)
        loss.backward()
        return loss.detach()

    def warm_up(self) -> None:
        """Compiles everything with a step at rate zero, then forgets it."""
        rows = torch.ones(self.s.rows, ROW, dtype=torch.int16, device=self.device)
        self.backward(rows, rows, rows, rows)
        self.optimizer.step(0.0, True)
        o = self.optimizer
        o.steps = 0
        for state in (*o.momentum.values(), *o.first.values(), *o.second.values()):
            state.zero_()
        o.write(None)

    def part(self, name: str, data: list[torch.Tensor], steps: int, rate: Callable[[float, int], float], quantized: bool) -> None:
        """@param rate factor of the rate, of the share done and the step"""
        began, total, since = time.time(), 0.0, 0
        count = len(data[0])
        for step in range(steps):
            if step % (count // self.s.rows) == 0:
                order = torch.randperm(count, device=self.device)
            at = step % (count // self.s.rows) * self.s.rows
            total += self.backward(*(d[order[at:at + self.s.rows]] for d in data))
            self.optimizer.step(rate(step / steps, step), quantized)
            since += 1
            if step % 20 == 0 and self.device == 'cuda':
                torch.cuda.synchronize()
            if (step + 1) % 250 == 0 or step + 1 == steps:
                tokens = (step + 1) * self.s.rows * ROW
                say(f'{name}, step {step + 1}: loss {float(total) / since:.4f}, {tokens / (time.time() - began) / 1e6:.2f} Mtokens/s, epoch {tokens / count / ROW:.2f}')
                total, since = 0.0, 0

    def save(self, path: str) -> None:
        torch.save({name: m.cpu() for (name, _), m in zip(self.optimizer.named, self.optimizer.masters)}, path)


def main() -> None:
    data_folder, out = sys.argv[1:3]
    s = settings(sys.argv[3:])
    os.makedirs(out, exist_ok=True)
    trainer = Trainer(s)
    say(f'{sum(p.numel() for p in trainer.model.parameters())} parameters, {s}')
    trainer.warm_up()
    say('compiled')
    while len(files := sorted(glob.glob(os.path.join(data_folder, '[sw]*.npy')))) < 2 * SHARDS:
        time.sleep(1)
    data = [torch.from_numpy(np.concatenate(parts)).to(trainer.device) for parts in zip(*(np.load(f) for f in files))]
    say(f'{len(files)} shards, {len(data[0])} rows, {int((data[1] != IGNORE).sum())} answer tokens')
    falling = lambda done, step: min(1, (step + 1) / s.warm) * (1 if done < s.flat else max(s.floor, 1 - (done - s.flat) / (1 - s.flat)))
    trainer.part('main', data, s.steps, falling, False)
    trainer.save(os.path.join(out, 'main.pt'))
    trainer.optimizer.write(trainer.optimizer.simulate)
    trainer.part('finish', data, s.finish_steps, lambda done, step: s.finish_rate * min(1, (step + 1) / 50) * (1 - done), True)
    trainer.save(os.path.join(out, 'finished.pt'))
    export.write({name: m.cpu() for (name, _), m in zip(trainer.optimizer.named, trainer.optimizer.masters)}, out)
    say('saved and exported')


if __name__ == '__main__':
    main()
