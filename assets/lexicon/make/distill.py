"""Short sentences from SmolLM2-135M-Instruct, thousands at a time: a Llama of 30 layers whose decode step is one CUDA graph.
The examples shown before a request are the same for a batch, so their keys and values are computed for one row and
repeated. Sampling: temperature 0.7 and min-p 0.06, by Gumbel noise from a fixed seed.

    python distill.py WORDNET_FOLDER smollm2-135m-instruct-q4_1.gguf sentences.jsonl.xz [batch] [batches]
"""

from __future__ import annotations

import json
import lzma
import math
import random
import sys
import time
from collections import Counter

import gguf
import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers

import sentences
from wordnet import WordNet

LAYERS, HEADS, KV_HEADS, DIM, EPS, THETA = 30, 9, 3, 64, 1e-5, 100000.0
GROUP = HEADS // KV_HEADS
PREFIX, REQUEST = 152, 40  # most tokens of the examples, and of a request
SLOTS = PREFIX + REQUEST + sentences.MAX_TOKENS
TEMPERATURE, MIN_P = .7, .06


def read_tokenizer(reader: gguf.GGUFReader) -> Tokenizer:
    """SmolLM2's tokenizer from the file's metadata: digits alone, then GPT-2's split."""
    strings = lambda name: [str(bytes(reader.fields[name].parts[i]), 'utf-8') for i in reader.fields[name].data]
    tokens, merges = strings('tokenizer.ggml.tokens'), strings('tokenizer.ggml.merges')
    kinds = [int(reader.fields['tokenizer.ggml.token_type'].parts[i][0]) for i in reader.fields['tokenizer.ggml.token_type'].data]
    t = Tokenizer(models.BPE(vocab={v: i for i, v in enumerate(tokens)}, merges=[tuple(m.split(' ')) for m in merges]))
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(r'\p{N}'), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False)])
    t.decoder = decoders.ByteLevel()
    t.add_special_tokens([AddedToken(v, normalized=False) for v, k in zip(tokens, kinds) if k == 3])
    return t


class Smol:
    """The weights and a cache for `batch` rows."""

    def __init__(self, reader: gguf.GGUFReader, batch: int, end: int) -> None:
        self.device = 'cuda' if torch.cuda.is_available() else 'cpu'
        self.dtype = torch.bfloat16 if self.device == 'cuda' else torch.float32
        named = {t.name: t for t in reader.tensors}

        def get(name: str) -> torch.Tensor:
            t = named[name]
            return torch.from_numpy(np.array(gguf.dequantize(t.data, t.tensor_type))).to(self.device, self.dtype)

        def rotated(name: str, heads: int) -> torch.Tensor:  # GGUF pairs adjacent rows for RoPE; here halves are paired
            m = get(name)
            return m.view(heads, m.shape[0] // heads // 2, 2, -1).transpose(1, 2).reshape(m.shape)

        self.layers = []
        for i in range(LAYERS):
            at = f'blk.{i}.'
            qkv = torch.cat([rotated(f'{at}attn_q.weight', HEADS), rotated(f'{at}attn_k.weight', KV_HEADS), get(f'{at}attn_v.weight')])
            gate_up = torch.cat([get(f'{at}ffn_gate.weight'), get(f'{at}ffn_up.weight')])
            self.layers.append((get(f'{at}attn_norm.weight'), qkv, get(f'{at}attn_output.weight'), get(f'{at}ffn_norm.weight'), gate_up, get(f'{at}ffn_down.weight')))
        self.embedding, self.norm = get('token_embd.weight'), get('output_norm.weight')
        self.batch, self.end = batch, end
        new = lambda *shape, dtype=torch.long: torch.zeros(*shape, device=self.device, dtype=dtype)
        self.keys = [new(batch, KV_HEADS, SLOTS, DIM, dtype=self.dtype) for _ in range(LAYERS)]
        self.values = [torch.zeros_like(k) for k in self.keys]
        self.slots = torch.arange(SLOTS, device=self.device)
        # Rows: prefix | padding | request | answer. `open` are the slots a row may see; `shift` is what padding takes from positions.
        self.open, self.shift = new(batch, SLOTS, dtype=torch.bool), new(batch)
        self.token, self.slot, self.done, self.out = new(batch), new(1), new(batch, dtype=torch.bool), new(batch, sentences.MAX_TOKENS + 1)
        self.inverse = 1.0 / THETA ** (torch.arange(0, DIM, 2, device=self.device).float() / DIM)
        self.graph: torch.cuda.CUDAGraph | None = None

    def _forward(self, ids: torch.Tensor, positions: torch.Tensor, rows: slice, slots: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        """ids, positions [rows, tokens]; slots [tokens] to write; seen [rows, tokens, SLOTS]. Returns the last hidden state."""
        x = F.embedding(ids, self.embedding)
        count, tokens = ids.shape
        angle = positions.float()[..., None, None] * self.inverse
        cos, sin = angle.cos(), angle.sin()
        mask = seen[:, None].repeat(1, 1, GROUP, 1)  # query heads of a group are rows of one product

        def rope(v: torch.Tensor) -> torch.Tensor:
            a, b = v.float().chunk(2, -1)
            return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).to(self.dtype)

        for i, (norm, qkv, out, norm2, gate_up, down) in enumerate(self.layers):
            q, k, v = F.linear(F.rms_norm(x, (x.shape[-1],), norm, EPS), qkv).split([HEADS * DIM, KV_HEADS * DIM, KV_HEADS * DIM], -1)
            q, k = rope(q.view(count, tokens, HEADS, DIM)), rope(k.view(count, tokens, KV_HEADS, DIM))
            self.keys[i][rows].index_copy_(2, slots, k.transpose(1, 2))
            self.values[i][rows].index_copy_(2, slots, v.view(count, tokens, KV_HEADS, DIM).transpose(1, 2))
            q = q.view(count, tokens, KV_HEADS, GROUP, DIM).permute(0, 2, 3, 1, 4).reshape(count, KV_HEADS, GROUP * tokens, DIM)
            o = F.scaled_dot_product_attention(q, self.keys[i][rows], self.values[i][rows], attn_mask=mask)
            o = o.view(count, KV_HEADS, GROUP, tokens, DIM).permute(0, 3, 1, 2, 4).reshape(count, tokens, HEADS * DIM)
            x = x + F.linear(o, out)
            gate, up = F.linear(F.rms_norm(x, (x.shape[-1],), norm2, EPS), gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, down)
        return x[:, -1]

    def _sample(self, hidden: torch.Tensor) -> torch.Tensor:
        logits = F.linear(F.rms_norm(hidden, (hidden.shape[-1],), self.norm, EPS), self.embedding).float() / TEMPERATURE
        logits = logits.masked_fill(logits < logits.amax(-1, keepdim=True) + math.log(MIN_P), -1e30)
        noise = -torch.log(-torch.log(torch.rand_like(logits).clamp_(1e-10, 1 - 1e-7)))
        return (logits + noise).argmax(-1)

    def _step(self) -> None:
        self.open.index_fill_(1, self.slot, True)
        positions = (self.slot - self.shift)[:, None]
        hidden = self._forward(self.token[:, None], positions, slice(None), self.slot, self.open[:, None])
        self.token.copy_(self._sample(hidden))
        self.out.index_copy_(1, self.slot - (PREFIX + REQUEST) + 1, self.token[:, None])
        self.done.logical_or_(self.token == self.end)
        self.slot.add_(1)

    def _capture(self) -> None:
        kept = [t.clone() for t in (self.open, self.token, self.out, self.done, self.slot)]
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self._step()
        torch.cuda.current_stream().wait_stream(stream)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self._step()
        for t, was in zip((self.open, self.token, self.out, self.done, self.slot), kept):
            t.copy_(was)

    @torch.no_grad()
    def write(self, prefix: list[int], requests: list[list[int]]) -> list[list[int] | None]:
        """Answers of up to `batch` requests after a common prefix; None where an answer did not end."""
        assert len(prefix) <= PREFIX and len(requests) <= self.batch
        count = len(requests)
        requests = requests + [requests[-1]] * (self.batch - count)
        n = len(prefix)
        self.open.zero_()
        self.open[:, :n] = True
        causal = self.slots[None, None, :] <= self.slots[:n][None, :, None]
        self._forward(torch.tensor([prefix], device=self.device), self.slots[:n][None], slice(0, 1), self.slots[:n], causal)
        for cache in (*self.keys, *self.values):
            cache[:, :, :n] = cache[:1, :, :n].clone()
        pad = torch.tensor([REQUEST - len(q) for q in requests], device=self.device)
        self.shift.copy_(pad + PREFIX - n)
        ids = torch.tensor([[0] * (REQUEST - len(q)) + q for q in requests], device=self.device)
        own = self.slots[PREFIX:PREFIX + REQUEST]
        self.open[:, PREFIX:PREFIX + REQUEST] = own[None] >= PREFIX + pad[:, None]
        for start in range(0, self.batch, 1024):
            rows = slice(start, min(start + 1024, self.batch))
            seen = (self.open[rows][:, None] & (self.slots[None, None, :] <= own[None, :, None])) | (self.slots[None, None, :] == own[None, :, None])
            self.token[rows] = self._sample(self._forward(ids[rows], (own[None] - self.shift[rows][:, None]).clamp_min(0), rows, own, seen))
        self.out.fill_(self.end)
        self.out[:, 0] = self.token
        self.done.copy_(self.token == self.end)
        self.slot.fill_(PREFIX + REQUEST)
        if self.graph is None and self.device == 'cuda':
            self._capture()
        for step in range(1, sentences.MAX_TOKENS):
            self._step() if self.graph is None else self.graph.replay()
            if step % 6 == 0 and self.done[:count].float().mean().item() > .985:
                break
        rows = self.out[:count, :sentences.MAX_TOKENS].tolist()
        return [row[:row.index(self.end)] if self.end in row else None for row in rows]


def main() -> None:
    start = time.time()
    folder, model, out = sys.argv[1:4]
    batch, batches = (int(a) for a in [*sys.argv[4:], *('4096', '100000')[len(sys.argv) - 4:]])
    reader = gguf.GGUFReader(model)
    tokenizer = read_tokenizer(reader)
    torch.manual_seed(1)
    torch.backends.cuda.enable_cudnn_sdp(False)  # slow to choose among many shapes
    smol = Smol(reader, batch, tokenizer.token_to_id('<|im_end|>'))
    wn = WordNet(folder)
    todo = sentences.requests(wn)
    print(f'{time.time() - start:.0f} s: loaded, {len(todo)} requests', flush=True)
    by_kind: dict[str, list[sentences.Request]] = {}
    for request in todo:
        by_kind.setdefault(request[0], []).append(request)
    # Kinds take turns, so that a shorter run has all of them.
    work = sorted(((i + .5) / len(items), kind, items[i:i + batch]) for kind, items in by_kind.items() for i in range(0, len(items), batch))
    turn = lambda q, a: f'<|im_start|>user\n{q}<|im_end|>\n<|im_start|>assistant\n{a}'
    r = random.Random(2)
    results: list[tuple[sentences.Request, str]] = []
    began, count = time.time(), 0
    for number, (_, kind, items) in enumerate(work[:batches]):
        shown = r.sample(sentences.EXAMPLES[kind], min(3, len(sentences.EXAMPLES[kind]) - 1))
        prefix = f'<|im_start|>system\n{sentences.SYSTEM}<|im_end|>\n' + ''.join(turn(sentences.prompt((kind, x, 'you' if y == 'yourself' else y)), a) + '<|im_end|>\n' for x, y, a in shown)
        texts = [turn(sentences.prompt(q), '') for q in items]
        ids = [e.ids[-REQUEST:] for e in tokenizer.encode_batch(texts, add_special_tokens=False)]
        answers = smol.write(tokenizer.encode(prefix, add_special_tokens=False).ids, ids)
        done = [i for i, a in enumerate(answers) if a]
        count += sum(len(answers[i]) for i in done)
        results += [(items[i], text) for i, text in zip(done, tokenizer.decode_batch([answers[i] for i in done]))]
        if number % 8 == 0:
            print(f'{time.time() - start:.0f} s: {len(results)} answers, {count / (time.time() - began):.0f} tokens/s', flush=True)
    kept, why = sentences.keep(results)
    kept = sentences.typical(kept, [t for s in wn.synsets.values() for t in s.examples])
    print(f'{time.time() - start:.0f} s: {len(kept)} of {len(results)} kept {dict(sorted(why.items()))}', flush=True)
    for request, text in random.Random(0).sample(kept, min(24, len(kept))):
        print(' ', request, '|', text)
    with lzma.open(out, 'wt', preset=3) as f:
        for (kind, x, y), text in kept:
            f.write(json.dumps([kind, x, y, text]) + '\n')
    print(f'{time.time() - start:.0f} s: written', flush=True)


if __name__ == '__main__':
    main()
