"""Scores the masters that training saved, in bfloat16, after plain NVFP4, and after the quantizer of the finish, on every
set of evaluation.py and with a few conversations to look at.

    python score.py WORDNET_FOLDER TOKENIZER FOLDER_OF_CHECKPOINTS [most questions of a set]
"""

from __future__ import annotations

import os
import sys
import time

import torch

import nvfp4
from conversations import Conversations
from encode import Encoder
from evaluation import questions
from model import Qwen3
from wordnet import WordNet

TALK = '''What is a lighthouse?|Write one short sentence about UFO and you.|Hello!|Who are you?|what is a whale|whats a hammer?|Define happiness.|What does run mean?|What are lighthouses?|What is the opposite of hot?|Give synonyms of big.|Is a dog a kind of animal?|Is a whale a fish?|Is a violin an animal?|What is 7 times 8?|What is 12 + 34?
Use bright in a sentence.|What is the capital of France?|Who was Napoleon?|When did the war end?|Tell me a story about a fox.|Write a poem about the moon.|Write a sentence about a GPU.|Describe the sea.|What can you do with a rope?|Why is water important?|Where can I find a hammer?|I feel tired today.|I like pizza.|Name some kinds of tree.|What is a UFO?|What is a blorft?|Tell me the meaning of courage, I beg you.
Write one short sentence about a robot and the moon.|Say something about coffee.|Can you write a sentence about my dog?|What is love?|What is a computer?|Thanks!|What is the opposite of a lighthouse?|Is the moon a star?|What is Paris?|How many people live in Berlin?|lighthouse|I need to know what on earth an anvil is, seriously'''.replace('\n', '|').split('|')


def main() -> None:
    folder, tokenizer, checkpoints, *most = sys.argv[1:]
    limit = int(most[0]) if most else 10 ** 9
    encoder = Encoder(tokenizer)
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    torch.backends.cuda.enable_cudnn_sdp(False)
    model = Qwen3().to(device).bfloat16().eval()
    sets = {name: qs[::max(1, len(qs) // limit)] for name, qs in questions(Conversations(WordNet(folder))).items()}

    def answers(texts: list[str], tokens: int) -> list[str]:
        out: list[str] = []
        for i in range(0, len(texts), 5000):
            out += encoder.tokenizer.decode_batch(model.generate([encoder.prompt(t) for t in texts[i:i + 5000]], tokens, encoder.end))
        return out

    print(' ' * 24, *(f'{n:>10}' for n in sets), flush=True)
    for name, file, how in (('bf16', 'main.pt', None), ('plain NVFP4', 'main.pt', nvfp4.plain), ('finished NVFP4', 'finished.pt', nvfp4.simulate)):
        masters = torch.load(os.path.join(checkpoints, file), map_location=device)
        for key, p in model.named_parameters():
            p.data.copy_(how(masters[key]) if how is not None and p.ndim == 2 else masters[key])
        began, scores = time.time(), []
        for group, qs in sets.items():
            given = answers([q.question for q in qs], 96 if group == 'yes/no' else 64)
            wrong = [(q.question, a) for q, a in zip(qs, given) if not q.right(a)]
            scores.append(100 * (1 - len(wrong) / len(qs)))
            if file == 'finished.pt' and group != 'unseen':
                for q, a in wrong[:6]:
                    print('    wrong:', q, '=>', a)
        print(f'{name:<24}', *(f'{s:10.1f}' for s in scores), f'  {time.time() - began:.0f} s', flush=True)
    for q, a in zip(TALK, answers(TALK, 80)):
        print(f'  {q} => {a}')


if __name__ == '__main__':
    main()
