"""Writes the trace of a model as transformers computes it in float32, for `weft check --trace`.

    python3 -m venv venv && venv/bin/pip install torch transformers safetensors
    venv/bin/python docs/parity/reference.py MODEL trace.safetensors --prompt "What is a lighthouse?"

MODEL is a folder or a repository of the hub. The file has one float32 tensor [tokens, ...] for each op, under the names of
`weft trace`, and what was run in the metadata of its header. `--chunk N` hands the prompt over N ids at a time.
"""
import argparse
import json
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer


class Recorder:
    """Takes values by name; those of later chunks are appended."""

    def __init__(self):
        self.parts = {}

    def take(self, name, value):
        self.parts.setdefault(name, []).append(value.detach()[0].float().clone())

    def watch(self, model):
        base, prefix = model.model, "model."
        for name, module in model.named_modules():
            short = name.removeprefix(prefix)
            if not list(module.children()) and list(module.parameters(recurse=False)):
                module.register_forward_hook(lambda _m, _i, out, short=short: self.take(short, out))
        for i, layer in enumerate(base.layers):
            at = f"layers.{i}"
            layer.self_attn.o_proj.register_forward_pre_hook(lambda _m, x, at=at: self.take(f"{at}.self_attn.attention", x[0]))
            layer.post_attention_layernorm.register_forward_pre_hook(lambda _m, x, at=at: self.take(f"{at}.self_attn.residual", x[0]))
            layer.mlp.down_proj.register_forward_pre_hook(lambda _m, x, at=at: self.take(f"{at}.mlp.act", x[0]))
            layer.register_forward_hook(lambda _m, _i, out, at=at: self.take(f"{at}.mlp.residual", out if torch.is_tensor(out) else out[0]))
            layer.self_attn.register_forward_pre_hook(lambda _m, _x, at=at: setattr(self, "at", at))
        modeling = sys.modules[type(base.layers[0].self_attn).__module__]
        rotate = modeling.apply_rotary_pos_emb

        def rotated(q, k, *rest, **more):
            q, k = rotate(q, k, *rest, **more)
            self.take(f"{self.at}.self_attn.q_rope", q.transpose(1, 2))
            self.take(f"{self.at}.self_attn.k_rope", k.transpose(1, 2))
            return q, k

        modeling.apply_rotary_pos_emb = rotated

    def run(self, model, ids, chunk):
        cache = None
        with torch.no_grad():
            for at in range(0, len(ids), chunk):
                cache = model(torch.tensor([ids[at : at + chunk]]), past_key_values=cache, use_cache=True).past_key_values
        for i, layer in enumerate(cache.layers):
            if layer.keys.shape[2] != len(ids):  # a sliding window keeps its own last positions only
                continue
            self.take(f"layers.{i}.self_attn.k_cache", layer.keys.transpose(1, 2))
            self.take(f"layers.{i}.self_attn.v_cache", layer.values.transpose(1, 2))

    def tensors(self):
        return {name: torch.cat(parts).contiguous() for name, parts in self.parts.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("out")
    parser.add_argument("--prompt", help="a message, or with --raw a text to be continued")
    parser.add_argument("--ids", help="token ids with a space between, instead of a prompt")
    parser.add_argument("--raw", action="store_true", help="no chat template")
    parser.add_argument("--system")
    parser.add_argument("--chunk", type=int, default=1 << 30)
    parser.add_argument("--gguf", help="the .gguf file in that folder or repository")
    args = parser.parse_args()
    if (args.prompt is None) == (args.ids is None):
        parser.error("--prompt or --ids")
    source = {"gguf_file": args.gguf} if args.gguf else {}
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32, attn_implementation="eager", **source).eval()
    metadata = {"format": "weft trace 1", "maker": f"transformers, float32, {args.model}"}
    if args.ids:
        ids = [int(i) for i in args.ids.split()]
    else:
        tokenizer = AutoTokenizer.from_pretrained(args.model, **source)
        text = args.prompt
        if not args.raw:
            messages = [{"role": "system", "content": args.system}] if args.system else []
            messages.append({"role": "user", "content": args.prompt})
            text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
            metadata["messages"] = json.dumps(messages)
        ids = tokenizer(text, add_special_tokens=args.raw)["input_ids"]
        metadata["text"] = text
    recorder = Recorder()
    recorder.watch(model)
    recorder.run(model, ids, args.chunk)
    metadata["ids"] = " ".join(map(str, ids))
    if args.chunk < len(ids):
        metadata["chunk"] = str(args.chunk)
    save_file(recorder.tensors(), args.out, metadata)


if __name__ == "__main__":
    main()
