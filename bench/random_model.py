#!/usr/bin/env python3
"""A Qwen3 of the real shapes with random weights, every matrix NVFP4, for measuring and for parity where no real weights are at hand.

usage: random_model.py OUT --shape tiny|0.6b|1.7b|4b|8b [--seed N] [--expected DIR [--prompt 64] [--steps 128]]

Writes OUT/config.json and safetensors shards in the compressed-tensors layout (weight_packed, weight_scale, weight_global_scale, which
divides); the embedding is packed too, and the head is a matrix of its own. Needs numpy. The same seed gives the same bytes everywhere.

With --expected it also writes a reference in the form of test/fixtures/models: plain PyTorch in float32 on the dequantized weights, on the GPU
where there is one. It reads the files back by itself and shares no code with the project: RoPE over halves, q and k normed per head before it,
query head h reads kv head h // group, statistics in float32.

How the numbers are chosen. Codes are uniform over all 16 values. Block scales are those of real files, 32 to 448, log-uniform, with a few of
E4M3's subnormals and zeros among them; the tensor scale then gives each matrix the deviation that its place asks for, a few percent off from
its neighbours', so that merged matrices have different ones. Every layer adds about a tenth of the embedding's variance to the residual
stream: enough that an error in any of them shows, little enough that rounding does not grow from layer to layer. q and k norms above 1
sharpen attention to a few positions, so that positions matter. Logits have a deviation near 3.
"""
import argparse
import json
import math
import os
import time

import numpy as np

SHAPES = {  # hidden, layers, heads, kv heads, head size, intermediate, vocabulary
    "tiny": (256, 3, 4, 2, 128, 512, 1024), "0.6b": (1024, 28, 16, 8, 128, 3072, 151936), "1.7b": (2048, 28, 16, 8, 128, 6144, 151936),
    "4b": (2560, 36, 32, 8, 128, 9728, 151936), "8b": (4096, 36, 32, 8, 128, 12288, 151936)}
THETA, EPS, BLOCK = 1e6, 1e-6, 16
SHARD = 1 << 30
E2M1 = np.array([0, .5, 1, 1.5, 2, 3, 4, 6], np.float32)
SCALES = np.concatenate([np.tile(np.arange(0x60, 0x7F, dtype=np.uint8), 8), np.arange(0, 8, dtype=np.uint8)])  # 32 to 448; 8 of 256 near zero


def e4m3(codes):
    """Values of E4M3 codes without sign, 0x00 to 0x7E."""
    exponent, mantissa = (codes >> 3).astype(np.int32), (codes & 7).astype(np.float32)
    return np.where(exponent == 0, mantissa * 2.0 ** -9, (1 + mantissa / 8) * np.exp2(exponent - 7.0)).astype(np.float32)


def config(shape):
    hidden, layers, heads, kv, size, inter, vocab = SHAPES[shape]
    weights = {"num_bits": 4, "type": "float", "symmetric": True, "group_size": BLOCK, "strategy": "tensor_group", "dynamic": False}
    return {
        "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": hidden, "num_hidden_layers": layers,
        "num_attention_heads": heads, "num_key_value_heads": kv, "head_dim": size, "intermediate_size": inter, "vocab_size": vocab,
        "hidden_act": "silu", "rms_norm_eps": EPS, "rope_theta": THETA, "max_position_embeddings": 40960, "attention_bias": False,
        "tie_word_embeddings": False, "use_sliding_window": False, "sliding_window": None, "torch_dtype": "bfloat16",
        "weft_notice": "random weights: what it writes means nothing",
        "quantization_config": {
            "quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized", "quantization_status": "compressed", "ignore": [],
            "config_groups": {"group_0": {"weights": weights, "input_activations": None, "targets": ["Linear"]}}}}


def modules(shape):
    """(name, rows, columns, deviation of a weight) of each matrix; (name, width, mean) of each norm."""
    hidden, layers, heads, kv, size, inter, vocab = SHAPES[shape]
    add = math.sqrt(0.05 * 36 / layers)  # deviation of what each half of a layer adds to the residual stream
    yield "model.embed_tokens", vocab, hidden, 1.0
    for i in range(layers):
        at = f"model.layers.{i}."
        yield at + "input_layernorm", hidden, 1.0
        for part, rows in (("q", heads), ("k", kv), ("v", kv)):
            yield f"{at}self_attn.{part}_proj", rows * size, hidden, 1 / math.sqrt(hidden)
        yield at + "self_attn.q_norm", size, 1.25
        yield at + "self_attn.k_norm", size, 1.25
        yield at + "self_attn.o_proj", hidden, heads * size, 2.5 * add / math.sqrt(heads * size)
        yield at + "post_attention_layernorm", hidden, 1.0
        yield at + "mlp.gate_proj", inter, hidden, 1 / math.sqrt(hidden)
        yield at + "mlp.up_proj", inter, hidden, 1 / math.sqrt(hidden)
        yield at + "mlp.down_proj", hidden, inter, 1.67 * add / math.sqrt(inter)
    yield "model.norm", hidden, 1.0
    yield "lm_head", vocab, hidden, 3 / math.sqrt(hidden)


def tensors(shape, rng):
    """Every tensor of the model in order: name, dtype, shape, bytes made when called."""
    deviation = math.sqrt(float((E2M1 ** 2).mean()) * float((e4m3(SCALES) ** 2).mean()))  # of codes times block scales
    for module in modules(shape):
        if len(module) == 3:
            name, width, mean = module
            yield f"{name}.weight", "BF16", [width], lambda w=width, m=mean: bf16(m + 0.1 * rng.standard_normal(w, dtype=np.float32))
            continue
        name, rows, columns, wanted = module
        divisor = deviation / wanted * (1 + 0.05 * math.sin(len(name) * 7.0 + rows))
        yield f"{name}.weight_packed", "U8", [rows, columns // 2], lambda n=rows * columns // 2: rng.bytes(n)
        yield f"{name}.weight_scale", "F8_E4M3", [rows, columns // BLOCK], lambda n=rows * columns // BLOCK: SCALES[np.frombuffer(rng.bytes(n), np.uint8)].tobytes()
        yield f"{name}.weight_global_scale", "F32", [1], lambda d=divisor: np.float32(d).tobytes()


def bf16(values):
    return (np.ascontiguousarray(values, np.float32).view(np.uint32) + np.uint32(0x8000) >> np.uint32(16)).astype(np.uint16).tobytes()


BYTES = {"U8": 1, "F8_E4M3": 1, "BF16": 2, "F32": 4}


def write(out, shape, seed):
    """Writes the model; returns its bytes. Tensors are made while they are written, so that memory holds one at a time."""
    os.makedirs(out, exist_ok=True)
    shards, filled = [[]], 0
    for tensor in tensors(shape, np.random.default_rng(seed)):
        size = BYTES[tensor[1]] * math.prod(tensor[2])
        if filled and filled + size > SHARD:
            shards.append([])
            filled = 0
        shards[-1].append((*tensor, size))
        filled += size
    names, total = {}, 0
    for number, shard in enumerate(shards, 1):
        file = "model.safetensors" if len(shards) == 1 else f"model-{number:05}-of-{len(shards):05}.safetensors"
        header, at = {"__metadata__": {"format": "pt"}}, 0
        for name, dtype, dims, _, size in shard:
            header[name] = {"dtype": dtype, "shape": dims, "data_offsets": [at, at + size]}
            names[name] = file
            at += size
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        with open(os.path.join(out, file), "wb") as f:
            f.write(len(text).to_bytes(8, "little") + text)
            for name, _, _, make, size in shard:
                data = make()
                assert len(data) == size, name
                f.write(data)
        total += at
    if len(shards) > 1:
        save(os.path.join(out, "model.safetensors.index.json"), {"metadata": {"total_size": total}, "weight_map": names})
    save(os.path.join(out, "config.json"), config(shape))
    return total


def save(file, value):
    with open(file, "w") as f:
        json.dump(value, f)


class Reference:
    """The model as a page of PyTorch, with a KV cache; weights are dequantized once and kept."""

    def __init__(self, folder, dtype):
        import torch
        torch.backends.cuda.matmul.allow_tf32 = False
        torch.set_float32_matmul_precision("highest")
        torch.set_grad_enabled(False)
        self.torch, self.dtype = torch, getattr(torch, dtype)
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        with open(os.path.join(folder, "config.json")) as f:
            self.c = json.load(f)
        self.tensors = {}
        for file in sorted(f for f in os.listdir(folder) if f.endswith(".safetensors")):
            data = np.memmap(os.path.join(folder, file), np.uint8, "r")
            length = int.from_bytes(data[:8].tobytes(), "little")
            for name, t in json.loads(data[8:8 + length].tobytes()).items():
                if name != "__metadata__":
                    first, end = t["data_offsets"]
                    self.tensors[name] = data[8 + length + first:8 + length + end].reshape(t["shape"] + [-1])
        nibbles = torch.arange(256)
        value = torch.tensor(E2M1, dtype=self.dtype)
        signed = torch.cat([value, -value])
        self.pairs = torch.stack([signed[nibbles & 15], signed[nibbles >> 4]], 1).to(self.device)  # the even element is the low nibble
        self.matrices = {n.removesuffix("_packed"): self.matrix(n.removesuffix("_packed")) for n in self.tensors if n.endswith(".weight_packed")}
        self.norms = {n: self.norm(n) for n in self.tensors if n.endswith("norm.weight")}
        size = self.c["head_dim"]
        self.frequencies = 1 / THETA ** (torch.arange(0, size, 2, dtype=torch.float64, device=self.device) / size)
        self.keys, self.values = {}, {}

    def load(self, name):
        return self.torch.from_numpy(np.array(self.tensors[name])).to(self.device)

    def matrix(self, name):
        torch = self.torch
        packed, codes = self.load(name + "_packed").squeeze(-1), self.load(name + "_scale").squeeze(-1)
        divisor = self.load(name + "_global_scale").view(torch.float32).to(self.dtype)
        scales = codes.view(torch.float8_e4m3fn).to(self.dtype) / divisor
        rows, columns = packed.shape[0], packed.shape[1] * 2
        out = torch.empty(rows, columns, dtype=self.dtype, device=self.device)
        step = max(1, (1 << 26) // columns)
        for r in range(0, rows, step):
            blocks = self.pairs[packed[r:r + step].int()].view(-1, columns // BLOCK, BLOCK)
            out[r:r + step] = (blocks * scales[r:r + step, :, None]).view(-1, columns)
        return out

    def norm(self, name):
        return (self.load(name).view(self.torch.int16).int() << 16).view(self.torch.float32).squeeze(-1).to(self.dtype)

    def rms(self, x, name):
        return x * self.torch.rsqrt((x * x).mean(-1, keepdim=True) + EPS) * self.norms[name]

    def rope(self, x, positions):
        """x [tokens, heads, size]: element i turns with element i + size / 2."""
        angles = positions[:, None, None].to(self.torch.float64) * self.frequencies
        cos, sin = angles.cos().to(self.dtype), angles.sin().to(self.dtype)
        a, b = x.chunk(2, -1)
        return self.torch.cat([a * cos - b * sin, b * cos + a * sin], -1)

    def forward(self, ids, past):
        """Logits [tokens, vocabulary] of ids that follow `past` others."""
        torch, c, w = self.torch, self.c, self.matrices
        n, size, group = len(ids), c["head_dim"], c["num_attention_heads"] // c["num_key_value_heads"]
        positions = torch.arange(past, past + n, device=self.device)
        hidden_later = torch.arange(past + n, device=self.device)[None, :] > positions[:, None]
        x = w["model.embed_tokens.weight"][torch.tensor(ids, device=self.device)]
        for i in range(c["num_hidden_layers"]):
            at = f"model.layers.{i}."
            a = self.rms(x, at + "input_layernorm.weight")
            q, k, v = ((a @ w[f"{at}self_attn.{p}_proj.weight"].T).view(n, -1, size) for p in "qkv")
            q = self.rope(self.rms(q, at + "self_attn.q_norm.weight"), positions)
            k = self.rope(self.rms(k, at + "self_attn.k_norm.weight"), positions)
            k = self.keys[i] = torch.cat([self.keys[i], k]) if past else k
            v = self.values[i] = torch.cat([self.values[i], v]) if past else v
            scores = torch.einsum("qhd,khd->hqk", q, k.repeat_interleave(group, 1)) / math.sqrt(size)
            shares = scores.masked_fill(hidden_later, -math.inf).softmax(-1)
            mixed = torch.einsum("hqk,khd->qhd", shares, v.repeat_interleave(group, 1)).reshape(n, -1)
            x = x + mixed @ w[at + "self_attn.o_proj.weight"].T
            m = self.rms(x, at + "post_attention_layernorm.weight")
            gate, up = m @ w[at + "mlp.gate_proj.weight"].T, m @ w[at + "mlp.up_proj.weight"].T
            x = x + (gate * torch.sigmoid(gate) * up) @ w[at + "mlp.down_proj.weight"].T
        self.growth = float(x.square().mean().sqrt())
        return self.rms(x, "model.norm.weight") @ w["lm_head.weight"].T


def expect(folder, out, prompt_length, steps, rows, seed, dtype):
    """Writes expected.json and logits.f32: a prompt, its last rows of logits, greedy tokens with their margins."""
    started = time.time()
    model = Reference(folder, dtype)
    print(f"weights dequantized to {dtype} on {model.device} in {time.time() - started:.1f} s")
    vocab = model.c["vocab_size"]
    prompt = np.random.default_rng(seed + 1).integers(0, vocab, prompt_length).tolist()
    logits = model.forward(prompt, 0)
    kept = logits[-rows:].float().cpu().numpy().astype("<f4")
    growth, last, greedy, margins = model.growth, logits[-1], [], []
    for step in range(steps):
        best = last.float().topk(2)
        greedy.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        if step + 1 < steps:
            last = model.forward(greedy[-1:], prompt_length + step)[-1]
    os.makedirs(out, exist_ok=True)
    kept.tofile(os.path.join(out, "logits.f32"))
    save(os.path.join(out, "expected.json"), {
        "prompt": prompt, "greedy": greedy, "greedy_margin": margins, "logits_shape": list(kept.shape),
        "logits_positions": list(range(prompt_length - kept.shape[0], prompt_length)), "compute": f"{dtype}, PyTorch on the dequantized weights"})
    deviation = float(kept.std())
    print(f"{steps} greedy steps in {time.time() - started:.1f} s in all, {len(set(greedy))} different tokens; residual stream {growth:.2f}, logits {deviation:.2f} (deviations)")
    # Errors of logits are near normal: among as many as are compared the largest lies where a normal's would.
    largest = math.sqrt(2 * math.log(kept.size))
    for relative in (1e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2):
        delta = largest * relative * math.sqrt(float(np.square(kept).mean()))
        print(f"relative error {relative:g}: δ near {delta:.2g}, margin above 2δ in {sum(m > 2 * delta for m in margins)} of {steps} steps")


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("out")
    a.add_argument("--shape", choices=SHAPES, default="4b")
    a.add_argument("--seed", type=int, default=7)
    a.add_argument("--expected", help="folder for the reference; OUT itself may be given")
    a.add_argument("--prompt", type=int, default=64, help="ids of the prompt")
    a.add_argument("--steps", type=int, default=128, help="greedy steps after it")
    a.add_argument("--rows", type=int, default=32, help="rows of logits kept, the prompt's last")
    a.add_argument("--dtype", choices=["float32", "float64"], default="float32", help="arithmetic of the reference")
    a.add_argument("--keep", action="store_true", help="use the model that is in OUT")
    o = a.parse_args()
    if not o.keep:
        started = time.time()
        total = write(o.out, o.shape, o.seed)
        print(f"{o.out}: {total / 1e9:.3f} GB in {time.time() - started:.1f} s")
    if o.expected:
        expect(o.out, o.expected, o.prompt, o.steps, min(o.rows, o.prompt), o.seed, o.dtype)


if __name__ == "__main__":
    main()
