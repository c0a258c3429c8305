"""Writes the model as weft ships it: NVFP4 safetensors in the compressed-tensors layout, made by the quantizer that the
finish trained with, embedding included; norms in float32 as training's bfloat16 had them; config.json and
generation_config.json. compressed-tensors has no name for a packed embedding that other engines would read: the card says so.

    python export.py finished.pt OUT_FOLDER
"""

from __future__ import annotations

import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file

import nvfp4
from model import Size, file_name
from tokenizer import SPECIAL, VOCAB


def tensors(masters: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    out: dict[str, torch.Tensor] = {}
    for name, m in masters.items():
        at = file_name(name)
        if m.ndim == 1:
            out[at] = m.bfloat16().float()
        else:
            out[f'{at}_packed'], out[f'{at}_scale'], out[f'{at}_global_scale'] = nvfp4.pack(m)
    return out


def read(path: str, names: list[str]) -> dict[str, torch.Tensor]:
    """The weights of an exported file, dequantized, by the names of parameters."""
    stored, out = load_file(path), {}
    for name in names:
        at = file_name(name)
        out[name] = stored[at] if at in stored else nvfp4.unpack(*(stored[f'{at}_{part}'] for part in ('packed', 'scale', 'global_scale')))
    return out


def configs(s: Size = Size()) -> dict[str, dict[str, object]]:
    end_of_text, _, end = range(VOCAB - len(SPECIAL), VOCAB)
    weights = dict(num_bits=4, type='float', symmetric=True, group_size=16, strategy='tensor_group', dynamic=False)
    config = dict(
        architectures=['Qwen3ForCausalLM'], model_type='qwen3', vocab_size=s.vocab, hidden_size=s.hidden, intermediate_size=s.intermediate, num_hidden_layers=s.layers,
        num_attention_heads=s.heads, num_key_value_heads=s.kv_heads, head_dim=s.head_dim, hidden_act='silu', max_position_embeddings=2048, rms_norm_eps=s.eps, rope_theta=int(s.theta), rope_scaling=None,
        attention_bias=False, use_sliding_window=False, sliding_window=None, tie_word_embeddings=True, bos_token_id=None, eos_token_id=end, pad_token_id=end_of_text, torch_dtype='bfloat16',
        quantization_config=dict(quant_method='compressed-tensors', format='nvfp4-pack-quantized', quantization_status='compressed', ignore=[],
                                 config_groups=dict(group_0=dict(weights=weights, input_activations=None, targets=['Linear', 'Embedding', 'model.embed_tokens']))))
    generation = dict(do_sample=False, eos_token_id=[end, end_of_text], pad_token_id=end_of_text)
    return {'config.json': config, 'generation_config.json': generation}


def write(masters: dict[str, torch.Tensor], out: str) -> None:
    os.makedirs(out, exist_ok=True)
    save_file({k: v.contiguous() for k, v in tensors(masters).items()}, os.path.join(out, 'model.safetensors'), metadata={'format': 'pt'})
    for name, values in configs().items():
        with open(os.path.join(out, name), 'w') as f:
            json.dump(values, f, indent=1)
            f.write('\n')


if __name__ == '__main__':
    write(torch.load(sys.argv[1], map_location='cpu'), sys.argv[2])
