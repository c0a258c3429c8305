"""Qwen3 in PyTorch, as small as training needs it: grouped heads, q and k normed per head before RoPE, SiLU-gated
feed-forward, tied embedding. Names are those of the Hugging Face files. On a GPU attention is flex_attention over rows that
hold several documents; `generate` keeps a cache and takes prompts of different lengths, padded on the left."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.attention.flex_attention import flex_attention


@dataclass(frozen=True)
class Size:
    vocab: int = 8192
    hidden: int = 512
    layers: int = 10
    heads: int = 8
    kv_heads: int = 2
    head_dim: int = 64
    intermediate: int = 1280
    theta: float = 10000.0
    eps: float = 1e-6


def norm(x: Tensor, weight: Tensor) -> Tensor:
    return F.rms_norm(x, (x.shape[-1],), weight, Size.eps)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(x.dtype)


class Layer(nn.Module):
    def __init__(self, s: Size) -> None:
        super().__init__()
        self.size = s

        def matrix(rows: int, columns: int, gain: float = 1.0) -> nn.Parameter:
            return nn.Parameter(torch.randn(rows, columns) * gain / math.sqrt(columns))

        self.input_layernorm, self.post_attention_layernorm = nn.Parameter(torch.ones(s.hidden)), nn.Parameter(torch.ones(s.hidden))
        self.q_norm, self.k_norm = nn.Parameter(torch.ones(s.head_dim)), nn.Parameter(torch.ones(s.head_dim))
        self.q_proj, self.k_proj, self.v_proj = matrix(s.heads * s.head_dim, s.hidden), matrix(s.kv_heads * s.head_dim, s.hidden), matrix(s.kv_heads * s.head_dim, s.hidden)
        self.o_proj = matrix(s.hidden, s.heads * s.head_dim, .2)
        self.gate_proj, self.up_proj = matrix(s.intermediate, s.hidden), matrix(s.intermediate, s.hidden)
        self.down_proj = matrix(s.hidden, s.intermediate, .2)

    def qkv(self, x: Tensor, cos: Tensor, sin: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """x [rows, tokens, hidden] -> [rows, heads or kv_heads, tokens, head_dim] each."""
        s = self.size
        y = norm(x, self.input_layernorm)
        split = lambda w, heads: F.linear(y, w).view(*x.shape[:2], heads, s.head_dim)
        q = rotate(norm(split(self.q_proj, s.heads), self.q_norm), cos, sin)
        k = rotate(norm(split(self.k_proj, s.kv_heads), self.k_norm), cos, sin)
        return q.transpose(1, 2), k.transpose(1, 2), split(self.v_proj, s.kv_heads).transpose(1, 2)

    def rest(self, x: Tensor, attended: Tensor) -> Tensor:
        x = x + F.linear(attended.transpose(1, 2).flatten(2), self.o_proj)
        y = norm(x, self.post_attention_layernorm)
        return x + F.linear(F.silu(F.linear(y, self.gate_proj)) * F.linear(y, self.up_proj), self.down_proj)


class Qwen3(nn.Module):
    def __init__(self, size: Size = Size()) -> None:
        super().__init__()
        self.size = size
        self.embed_tokens = nn.Parameter(torch.randn(size.vocab, size.hidden) * .04)
        self.norm = nn.Parameter(torch.ones(size.hidden))
        self.layers = nn.ModuleList(Layer(size) for _ in range(size.layers))

    def angles(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        inverse = 1.0 / self.size.theta ** (torch.arange(0, self.size.head_dim, 2, device=positions.device).float() / self.size.head_dim)
        angle = positions[:, :, None, None].float() * inverse
        return angle.cos(), angle.sin()

    def loss(self, ids: Tensor, targets: Tensor, positions: Tensor, mask: object) -> Tensor:
        """Mean over the targets that are not -100. @param mask a BlockMask, or on a CPU a bool tensor [rows, 1, tokens, tokens]"""
        x = F.embedding(ids, self.embed_tokens)
        cos, sin = self.angles(positions)
        for layer in self.layers:
            q, k, v = layer.qkv(x, cos, sin)
            if isinstance(mask, Tensor):
                o = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, enable_gqa=True)
            else:
                o = flex_attention(q, k, v, block_mask=mask, enable_gqa=True)
            x = layer.rest(x, o)
        logits = F.linear(norm(x, self.norm).flatten(0, 1), self.embed_tokens).float()
        return F.cross_entropy(logits, targets.flatten(), ignore_index=-100)

    @torch.no_grad()
    def generate(self, prompts: list[list[int]], most: int, end: int) -> list[list[int]]:
        """Greedy answers of at most `most` tokens, without `end`."""
        s, device, dtype = self.size, self.embed_tokens.device, self.embed_tokens.dtype
        rows, longest = len(prompts), max(map(len, prompts))
        ids = torch.tensor([[0] * (longest - len(p)) + p for p in prompts], device=device)
        pad = torch.tensor([longest - len(p) for p in prompts], device=device)
        slots = torch.arange(longest + most, device=device)
        keys = [torch.zeros(rows, s.kv_heads, len(slots), s.head_dim, device=device, dtype=dtype) for _ in self.layers]
        values = [torch.zeros_like(k) for k in keys]

        def run(ids: Tensor, first: int) -> Tensor:
            last = first + ids.shape[1]
            at = slots[first:last]
            cos, sin = self.angles((at[None] - pad[:, None]).clamp_min(0))
            seen = (slots[None, None, :last] <= at[None, :, None]) & ((slots[None, None, :last] >= pad[:, None, None]) | (slots[None, None, :last] == at[None, :, None]))
            x = F.embedding(ids, self.embed_tokens)
            for layer, key, value in zip(self.layers, keys, values):
                q, key[:, :, first:last], value[:, :, first:last] = layer.qkv(x, cos, sin)
                x = layer.rest(x, F.scaled_dot_product_attention(q, key[:, :, :last], value[:, :, :last], attn_mask=seen[:, None], enable_gqa=True))
            return F.linear(norm(x[:, -1], self.norm), self.embed_tokens).float().argmax(-1)

        out = [run(ids, 0)]
        done = out[0] == end
        while len(out) < most and not done.all():
            out.append(run(out[-1][:, None], longest + len(out) - 1))
            done |= out[-1] == end
        answers = torch.stack(out, 1).tolist()
        return [a[:a.index(end)] if end in a else a for a in answers]


def file_name(name: str) -> str:
    """The name of a parameter in a model file."""
    part = {'q_proj': 'self_attn.', 'k_proj': 'self_attn.', 'v_proj': 'self_attn.', 'o_proj': 'self_attn.', 'q_norm': 'self_attn.', 'k_norm': 'self_attn.',
            'gate_proj': 'mlp.', 'up_proj': 'mlp.', 'down_proj': 'mlp.'}
    at, _, last = name.rpartition('.')
    return f'model.{at + "." if at else ""}{part.get(last, "")}{last}.weight'
