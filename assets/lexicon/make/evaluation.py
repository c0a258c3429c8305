"""What the model is scored on. A question has a group and the ends of answers that are accepted; none of its wordings is in
the training data. Definitions: the 5,000 most frequent nouns, first or second sense; yes/no: pairs held out of training;
opposites: any antonym of WordNet's; synonyms: the last word named shares a synset with the word asked for; sums: the result.
`unseen` is the family of wordings that training never saw in any form. Run as a program, it writes the smaller set that
weft itself is scored on.

    python evaluation.py WORDNET_FOLDER eval.jsonl
"""

from __future__ import annotations

import json
import random
import re
import sys
from dataclasses import dataclass

import wording as w
from conversations import Conversations, an, cap, held_pair
from wordnet import POS_NAMES, Entry, WordNet

GROUPS = {'definition': 400, 'yes/no': 200, 'opposite': 150, 'synonym': 150, 'sum': 100, 'unseen': 200}


@dataclass(frozen=True)
class Question:
    group: str
    question: str
    accepted: tuple[str, ...]

    def right(self, answer: str) -> bool:
        return answer.strip().endswith(self.accepted)


def put(talk: Conversations, template: str, e: Entry, **more: str) -> str:
    a = talk.article(e) if e.key[1] == 'n' else e.word
    slots = dict(x=e.word, a=a, A=cap(a), p=POS_NAMES[e.key[1]], **more)
    return re.sub(r'\{(\w+)\}', lambda m: slots[m.group(1)], template)


def definitions(talk: Conversations, group: str, templates: list[str], count: int = 5000) -> list[Question]:
    out = []
    for i, e in enumerate(talk.wn.nouns[:count]):
        accepted = tuple(f'{talk.wn.definition(e, s)}.' for s in range(min(2, len(e.senses))))
        out.append(Question(group, put(talk, templates[i % len(templates)], e), accepted))
    return out


def questions(talk: Conversations) -> dict[str, list[Question]]:
    """Every set, by group; `trained` has the plainest trained wording, for comparison."""
    wn = talk.wn
    out = {'definition': definitions(talk, 'definition', w.NEAR['definition']), 'trained': definitions(talk, 'trained', ['What is {a}?'])}
    r = random.Random(99)
    yes_no: dict[tuple[str, str], Question] = {}
    while len(yes_no) < 4000:
        lemma, kind, truth, _ = talk.pair(r, 8000)
        if held_pair(lemma, kind):
            text = put(talk, w.NEAR['kind'][len(yes_no) % 3], wn.entries[lemma, 'n'], y=kind, b=talk.article_of(kind))
            yes_no.setdefault((lemma, kind), Question('yes/no', text, ('so yes.' if truth else 'so no.',)))
    out['yes/no'] = list(yes_no.values())
    out['opposite'] = [Question('opposite', put(talk, w.NEAR['opposite'][i % 3], e), tuple(f' {x}.' for x in sorted({*wn.antonyms[e.key]}))) for i, e in enumerate(talk.opposites[:2000])]
    named = [e for e in wn.taught if wn.best_pos[e.key[0]] == e.key[1] and wn.synonyms(e)][:3000]
    out['synonym'] = []
    for i, e in enumerate(named):
        words = sorted({x for p in wn.pos_of[e.key[0]] for s in wn.order[e.key[0], p] for x in wn.synsets[s].words if x.lower() != e.key[0]})
        out['synonym'].append(Question('synonym', put(talk, w.NEAR['synonym'][i % 3], e), tuple(f'{before} {x}.' for x in words for before in (':', ','))))
    r = random.Random(3)
    sums: dict[str, Question] = {}
    while len(sums) < 600:
        op = r.choice('+-*')
        a, b = r.randint(0, 12 if op == '*' else 100), r.randint(0, 12 if op == '*' else 100)
        a, b = (max(a, b), min(a, b)) if op == '-' else (a, b)
        value = a + b if op == '+' else a - b if op == '-' else a * b
        sums[f'{a}{op}{b}'] = Question('sum', w.NEAR['sum'][len(sums) % 3].format(x=f'{a} {op} {b}'), (f'{a} {op} {b} = {value}',))
    out['sum'] = list(sums.values())
    out['unseen'] = definitions(talk, 'unseen', w.UNSEEN)
    return out


def main() -> None:
    talk = Conversations(WordNet(sys.argv[1]))
    sets = questions(talk)
    r = random.Random(5)
    with open(sys.argv[2], 'w') as f:
        for group, count in GROUPS.items():
            for q in r.sample(sets[group], count):
                f.write(json.dumps(dict(group=q.group, question=q.question, accepted=q.accepted), ensure_ascii=False) + '\n')


if __name__ == '__main__':
    main()
