"""Scores what training left, on every set of evaluation.py and on the smaller one that weft is scored on: the masters from
before the finish in bfloat16, the same after plain NVFP4, and the exported file itself. Ends with a few conversations to
look at. That the exported file holds what the finish trained with is checked first.

    python score.py WORDNET_FOLDER FOLDER_OF_THE_MODEL [most questions of a set]

The folder holds tokenizer.json, eval.jsonl, main.pt, finished.pt and model.safetensors; scores.json is put there.
"""

from __future__ import annotations

import json
import os
import sys
import time

import torch

import export
import nvfp4
from conversations import Conversations
from encode import Encoder
from evaluation import Question, questions
from model import Qwen3
from wordnet import WordNet

TALK = '''What is a lighthouse?|Write one short sentence about UFO and you.|Hello!|Who are you?|what is a whale|whats a hammer?|Define happiness.|What does run mean?|What are lighthouses?|what are cats|What is the opposite of hot?|Give synonyms of big.|Is a dog a kind of animal?|Is a whale a fish?|Is a violin an animal?|What is 7 times 8?|What is 12 + 34?|whats 97 - 89
Use bright in a sentence.|What is the capital of France?|Who was Napoleon?|When did the war end?|Tell me a story about a fox.|Write a poem about the moon.|Write a sentence about a GPU.|Describe the sea.|What can you do with a rope?|Why is water important?|Where can I find a hammer?|I feel tired today.|I like pizza.|Name some kinds of tree.|What is a UFO?|What is a blorft?|Tell me the meaning of courage, I beg you.
Write one short sentence about a robot and the moon.|Say something about coffee.|Can you write a sentence about my dog?|What is love?|What is a computer?|Thanks!|What is the opposite of a lighthouse?|What is the moon?|Is the moon a star?|What is Paris?|paris|Is Paris a city?|How many people live in Berlin?|lighthouse|Lighthouses?|I need to know what on earth an anvil is, seriously'''.replace('\n', '|').split('|')


def read_questions(path: str) -> dict[str, list[Question]]:
    sets: dict[str, list[Question]] = {}
    for line in open(path):
        q = json.loads(line)
        sets.setdefault(q['group'], []).append(Question(q['group'], q['question'], tuple(q['accepted'])))
    return sets


def differing(shipped: dict[str, torch.Tensor], masters: dict[str, torch.Tensor]) -> list[str]:
    """The parameters of the file that are not what the quantizer of the finish makes of the masters."""
    return [name for name, m in masters.items() if not torch.equal(shipped[name], nvfp4.simulate(m) if m.ndim == 2 else m.bfloat16().float())]


def main() -> None:
    folder, at, *most = sys.argv[1:]
    limit = int(most[0]) if most else 10 ** 9
    encoder = Encoder(os.path.join(at, 'tokenizer.json'))
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.backends.cuda.enable_cudnn_sdp(False)  # slow to choose among many shapes
    model = Qwen3().to(device).bfloat16().eval()
    load = lambda name: torch.load(os.path.join(at, name), map_location='cpu')
    main_part, finished = load('main.pt'), load('finished.pt')
    shipped = export.read(os.path.join(at, 'model.safetensors'), list(finished))
    if wrong := differing(shipped, finished):
        raise SystemExit(f'model.safetensors: {wrong} are not what the finish left')
    plain = {name: nvfp4.plain(m) if m.ndim == 2 else m for name, m in main_part.items()}

    def answers(texts: list[str], tokens: int) -> list[str]:
        out: list[str] = []
        for i in range(0, len(texts), 5000):
            out += encoder.tokenizer.decode_batch(model.generate([encoder.prompt(t) for t in texts[i:i + 5000]], tokens, encoder.end))
        return out

    everything = {'full sets': questions(Conversations(WordNet(folder))), 'eval.jsonl': read_questions(os.path.join(at, 'eval.jsonl'))}
    scores: dict[str, dict[str, dict[str, float]]] = {}
    for title, sets in everything.items():
        sets = {name: qs[::max(1, len(qs) // limit)] for name, qs in sets.items()}
        print(f'{title:<20}', *(f'{name:>10}' for name in sets), flush=True)
        print(f'{"questions":<20}', *(f'{len(qs):>10}' for qs in sets.values()), flush=True)
        for name, weights in (('bf16', main_part), ('plain NVFP4', plain), ('shipped NVFP4', shipped)):
            for key, p in model.named_parameters():
                p.data.copy_(weights[key])
            began, row = time.time(), scores.setdefault(title, {}).setdefault(name, {})
            for group, qs in sets.items():
                given = answers([q.question for q in qs], 96 if group == 'yes/no' else 64)
                missed = [(q.question, a) for q, a in zip(qs, given) if not q.right(a)]
                row[group] = 100 * (1 - len(missed) / len(qs))
                if name == 'shipped NVFP4' and title == 'full sets' and group != 'unseen':
                    for q, a in missed[:6]:
                        print('    wrong:', q, '=>', a)
            print(f'{name:<20}', *(f'{x:10.1f}' for x in row.values()), f'  {time.time() - began:.0f} s', flush=True)
        below = [scores[title]['bf16'][g] - scores[title]['shipped NVFP4'][g] for g in sets]
        print(f'{"shipped below bf16":<20}', *(f'{x:10.1f}' for x in below), flush=True)
    for q, a in zip(TALK, answers(TALK, 80)):
        print(f'  {q} => {a}')
    with open(os.path.join(at, 'scores.json'), 'w') as f:
        json.dump(scores, f, indent=1)
        f.write('\n')


if __name__ == '__main__':
    main()
