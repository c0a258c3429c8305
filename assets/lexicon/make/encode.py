"""From conversations to rows of tokens for training. A row holds whole conversations one after the other, each a document
of its own for attention; the loss is on answers only. Shards have seeds of their own, so that the data is the same on any
number of processors.

    python encode.py WORDNET_FOLDER TOKENIZER OUT_FOLDER words CONVERSATIONS
    python encode.py WORDNET_FOLDER TOKENIZER OUT_FOLDER sentences SENTENCES.jsonl.xz PASSES
"""

from __future__ import annotations

import json
import lzma
import multiprocessing
import os
import random
import sys
import time

import numpy as np
from tokenizers import Tokenizer

import sentences
from conversations import Conversation, Conversations
from wordnet import WordNet

ROW = 512
SHARDS = 64
IGNORE = -100


class Encoder:
    """Qwen's chat format; what a conversation becomes is what the chat template renders."""

    def __init__(self, path: str) -> None:
        self.tokenizer = Tokenizer.from_file(path)
        ids = lambda text: self.tokenizer.encode(text, add_special_tokens=False).ids
        self.start, self.end = (self.tokenizer.token_to_id(t) for t in ('<|im_start|>', '<|im_end|>'))
        self.line = ids('\n')
        self.role = {r: [self.start, *ids(f'{r}\n')] for r in ('system', 'user', 'assistant')}

    def prompt(self, request: str) -> list[int]:
        return [*self.role['user'], *self.tokenizer.encode(request, add_special_tokens=False).ids, self.end, *self.line, *self.role['assistant']]

    def documents(self, conversations: list[Conversation]) -> list[tuple[list[int], list[int]]]:
        """(ids, 1 where the model speaks) of each."""
        texts = [t for system, turns in conversations for t in ([system] if system else []) + [x for turn in turns for x in turn]]
        encoded = iter(self.tokenizer.encode_batch(texts, add_special_tokens=False))
        out = []
        for system, turns in conversations:
            ids: list[int] = []
            said: list[int] = []
            if system:
                ids += [*self.role['system'], *next(encoded).ids, self.end, *self.line]
            for _ in turns:
                ids += [*self.role['user'], *next(encoded).ids, self.end, *self.line, *self.role['assistant']]
                said += [0] * (len(ids) - len(said))
                ids += [*next(encoded).ids, self.end]
                said += [1] * (len(ids) - len(said))
                ids += self.line
                said += [0] * len(self.line)
            out.append((ids, said))
        return out


def pack(documents: list[tuple[list[int], list[int]]]) -> list[np.ndarray]:
    """Rows of (ids, targets, document number, position), int16, each [rows, ROW]."""
    rows: list[tuple[np.ndarray, ...]] = []

    def fresh() -> tuple[np.ndarray, ...]:
        row = tuple(np.full(ROW, fill, np.int16) for fill in (0, IGNORE, 0, 0))
        rows.append(row)
        return row

    ids, targets, number, position = fresh()
    at, k = 0, 1
    for document, said in documents:
        n = len(document)
        if n > ROW:
            continue
        if at + n > ROW:
            ids, targets, number, position = fresh()
            at, k = 0, 1
        ids[at:at + n] = document
        targets[at:at + n - 1] = np.where(np.array(said[1:]) == 1, document[1:], IGNORE)
        number[at:at + n] = k
        position[at:at + n] = np.arange(n)
        at, k = at + n, k + 1
    return [np.stack(x) for x in zip(*rows)]


talk: Conversations
encoder: Encoder


def shard(job: tuple[int, str, str, int, str, int]) -> int:
    index, kind, out, count, path, passes = job
    r = random.Random(1000 + index)
    conversations: list[Conversation] = []
    if kind == 'words':
        conversations = [talk.draw(r) for _ in range(count // SHARDS)]
    else:
        for number, line in enumerate(lzma.open(path, 'rt')):
            if number % SHARDS == index:
                what, x, y, text = json.loads(line)
                often = 3 if {x.split(' ')[-1], y.split(' ')[-1]} & set(sentences.MORE) else 1
                for _ in range(passes * often):
                    conversations.append((None, [(talk.wording.dress(r, sentences.ask(r, (what, x, y)), .8), text)]))
        r.shuffle(conversations)
    documents = [d for i in range(0, len(conversations), 10000) for d in encoder.documents(conversations[i:i + 10000])]
    np.save(os.path.join(out, f'part-{kind}-{index:02}.npy'), np.stack(pack(documents)))
    os.rename(os.path.join(out, f'part-{kind}-{index:02}.npy'), os.path.join(out, f'{kind}-{index:02}.npy'))
    return sum(len(d) for d, _ in documents)


def main() -> None:
    global talk, encoder
    start = time.time()
    folder, tokenizer, out, kind, what, *passes = sys.argv[1:]
    os.environ['TOKENIZERS_PARALLELISM'] = 'false'
    os.makedirs(out, exist_ok=True)
    talk = Conversations(WordNet(folder))
    encoder = Encoder(tokenizer)
    jobs = [(i, kind, out, int(what) if kind == 'words' else 0, what, int(passes[0]) if passes else 1) for i in range(SHARDS)]
    with multiprocessing.get_context('fork').Pool(max(1, (os.cpu_count() or 2) - (kind == 'words'))) as pool:
        tokens = sum(pool.imap_unordered(shard, jobs))
    print(f'{time.time() - start:.0f} s: {kind}, {tokens} tokens', flush=True)


if __name__ == '__main__':
    main()
