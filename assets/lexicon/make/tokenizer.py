"""The tokenizer: byte-level BPE of 8,192 tokens over Qwen's normalization and split, trained on conversations, the special
tokens last as in Qwen3. Writes tokenizer.json and tokenizer_config.json.

    python tokenizer.py WORDNET_FOLDER OUT_FOLDER [conversations]
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
from collections.abc import Iterator

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import sentences
from conversations import Conversations
from encode import SHARDS
from wordnet import WordNet

VOCAB = 8192
SPECIAL = ['<|endoftext|>', '<|im_start|>', '<|im_end|>']
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEMPLATE = ("{%- for message in messages %}\n    {{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n{%- endfor %}\n"
            "{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}")


def config() -> dict[str, object]:
    flags = dict(lstrip=False, normalized=False, rstrip=False, single_word=False, special=True)
    return dict(add_bos_token=False, add_prefix_space=False, added_tokens_decoder={str(VOCAB - len(SPECIAL) + i): dict(content=t, **flags) for i, t in enumerate(SPECIAL)},
                bos_token=None, eos_token='<|im_end|>', pad_token='<|endoftext|>', unk_token=None, model_max_length=2048, tokenizer_class='Qwen2Tokenizer', chat_template=TEMPLATE)


talk: Conversations


def some(job: tuple[int, int]) -> list[str]:
    """The texts of a share of the conversations."""
    index, count = job
    r = random.Random(2100 + index)
    return [text for _ in range(count) for turn in talk.draw(r)[1] for text in turn]


def texts(wn: WordNet, count: int) -> Iterator[str]:
    with multiprocessing.get_context('fork').Pool() as pool:
        for share in pool.imap(some, [(i, count // SHARDS) for i in range(SHARDS)]):
            yield from share
    for s in wn.synsets.values():  # the words of the distilled sentences are those of examples
        yield from s.examples
    r = random.Random(21)
    for request in sentences.requests(wn)[::3]:
        yield sentences.ask(r, request)


def main() -> None:
    global talk
    folder, out = sys.argv[1:3]
    count = int(sys.argv[3]) if len(sys.argv) > 3 else 250_000
    wn = WordNet(folder)
    talk = Conversations(wn)
    t = Tokenizer(models.BPE())
    t.normalizer = normalizers.NFC()
    t.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(SPLIT), 'isolated'), pre_tokenizers.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)])
    t.post_processor = processors.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    t.decoder = decoders.ByteLevel(add_prefix_space=False, trim_offsets=False, use_regex=False)
    t.train_from_iterator(texts(wn, count), trainers.BpeTrainer(vocab_size=VOCAB - len(SPECIAL), initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False))
    t.add_special_tokens([AddedToken(s, normalized=False) for s in SPECIAL])
    assert t.get_vocab_size() == VOCAB, t.get_vocab_size()
    t.save(os.path.join(out, 'tokenizer.json'))
    with open(os.path.join(out, 'tokenizer_config.json'), 'w') as f:
        json.dump(config(), f, indent=1)
        f.write('\n')
    print(t.encode('Write one short sentence about UFO and you. What is a lighthouse? 12 + 34 = 46').tokens)


if __name__ == '__main__':
    main()
