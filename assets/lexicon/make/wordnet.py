"""WordNet 3.0 as plain tables: entries (a word and its part of speech) with senses in a useful order, hypernyms, antonyms
and synonyms. The order of senses is WordNet's where its counts of tagged texts decide (two or more), else concrete things
first: where counts tie, WordNet lists «a very large person» before the animal for «whale». Reads the database files of
Debian's package `wordnet-base` (see wndb(5WN)); everything derived is deterministic."""

from __future__ import annotations

import functools
import os
import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

FILES = (('noun', 'n'), ('verb', 'v'), ('adj', 'a'), ('adv', 'r'))
POS_NAMES = {'n': 'noun', 'v': 'verb', 'a': 'adjective', 'r': 'adverb'}
SENSE_POS = {'1': 'n', '2': 'v', '3': 'a', '4': 'r', '5': 'a'}
# Lexicographer files of things that can be pointed at: animals, artifacts, body parts, food, objects, plants, substances.
CONCRETE = {5, 6, 8, 13, 17, 20, 27}
UNFIT = re.compile(r'ethnic slur|obscen|offensive (?:name|term|word)|derogatory|disparag|vulgar|slang|sexual|genital|prostitut|copulat', re.I)
# What the parents of animal and plant groups are called: such groups have Latin names.
GROUP = re.compile(r'(?:^|[ a-z])(?:genus|family|order|class|phylum|division|tribe)$')
HOLLOW = {'entity', 'physical entity', 'abstraction', 'whole', 'thing', 'psychological feature', 'causal agent', 'unit', 'object', 'matter'}

Key = tuple[str, str]  # lemma in lower case, part of speech


@dataclass(frozen=True)
class Synset:
    words: tuple[str, ...]
    pointers: tuple[tuple[str, str, int, int], ...]  # kind, target, word of the source, word of the target
    definition: str
    examples: tuple[str, ...]
    file: int
    fit: bool


@dataclass(frozen=True)
class Entry:
    """A word as one part of speech; `senses` are synsets, the most useful first."""
    key: Key
    word: str
    senses: tuple[str, ...]
    score: float
    weight: float = field(default=0.0)


def split_gloss(gloss: str) -> tuple[str, tuple[str, ...]]:
    """A short definition without its closing dot, and the example sentences."""
    definitions, examples = [], []
    for part in (p.strip() for p in re.split(r';\s*(?=(?:[^"]*"[^"]*")*[^"]*$)', gloss)):
        quoted = re.findall(r'"([^"]+)"', part)
        if part.startswith('"'):
            examples += quoted
        elif part:
            definitions.append(part)
    text = definitions[0] if definitions else ''
    text = re.sub(r'^\([^)]*\)\s*', '', text) or text
    for more in definitions[1:]:
        if len(text) + len(more) >= 70:
            break
        text += '; ' + more
    if len(text) > 110:
        text = re.sub(r'\s*\([^)]*\)', '', text)
    if len(text) > 120:
        cut = max(text.rfind(', ', 50, 120), text.rfind('; ', 50, 120))
        text = text[:cut] if cut > 0 else text
    return re.sub(r'\s+', ' ', text).strip(' .;,:'), tuple(e.strip() for e in examples)


def read_synsets(folder: str) -> dict[str, Synset]:
    synsets = {}
    for name, pos in FILES:
        for line in open(os.path.join(folder, f'data.{name}'), encoding='latin-1'):
            if line.startswith('  '):
                continue
            left, _, gloss = line.partition(' | ')
            f = left.split(' ')
            count = int(f[3], 16)
            words = tuple(re.sub(r'\((a|p|ip)\)$', '', f[4 + 2 * i]).replace('_', ' ') for i in range(count))
            at = 5 + 2 * count
            pointers = []
            for i in range(int(f[at - 1])):
                kind, offset, target, ends = f[at + 4 * i:at + 4 * i + 4]
                pointers.append((kind, ('a' if target == 's' else target) + offset, int(ends[:2], 16), int(ends[2:], 16)))
            definition, examples = split_gloss(gloss.strip())
            synsets[pos + f[0]] = Synset(words, tuple(pointers), definition, examples, int(f[1]), not UNFIT.search(gloss))
    return synsets


class WordNet:
    """Tables over the database in `folder` (…/usr/share/wordnet)."""

    def __init__(self, folder: str) -> None:
        self.synsets = read_synsets(folder)
        counts: Counter[tuple[str, str, int]] = Counter()
        for line in open(os.path.join(folder, 'cntlist.rev')):
            sense, number, tags = line.split()
            lemma, _, rest = sense.partition('%')
            counts[lemma.replace('_', ' '), SENSE_POS[rest[0]], int(number)] = int(tags)
        used = Counter(w for s in self.synsets.values() for w in re.findall('[a-z]+', ' '.join((s.definition, *s.examples)).lower()))
        self.countable = self._countable()
        order: dict[Key, list[str]] = {}
        for name, pos in FILES:
            for line in open(os.path.join(folder, f'index.{name}'), encoding='latin-1'):
                if not line.startswith('  '):
                    f = line.split()
                    order[f[0].replace('_', ' '), pos] = [pos + offset for offset in f[-int(f[2]):]]
        self.order = order
        self.pos_of: dict[str, str] = defaultdict(str)
        for lemma, pos in order:
            self.pos_of[lemma] += pos
        tags = {k: sum(counts[(*k, i + 1)] for i in range(len(s))) for k, s in order.items()}
        total: Counter[str] = Counter()
        for (lemma, _), n in tags.items():
            total[lemma] += n
        self.entries: dict[Key, Entry] = {}
        self.unknown: list[Entry] = []  # names of people, places and the like: what the model says it does not know
        for key, senses in order.items():
            lemma, pos = key
            share = (tags[key] + .3) / (total[lemma] + .3 * len(self.pos_of[lemma]))
            score = tags[key] + .5 * share * min(used[lemma] + used[lemma + 's'] + used[lemma + 'es'], 2000)
            if pos == 'n':
                def rank(i: int) -> tuple[int, bool, bool, int]:
                    n = counts[lemma, pos, i + 1]
                    kinds = sum(kind == '~' for kind, *_ in self.synsets[senses[i]].pointers)
                    return -(n if n >= 2 else 0), self.synsets[senses[i]].file not in CONCRETE, kinds < 3, i
                senses = [senses[i] for i in sorted(range(len(senses)), key=rank)]
            ordinary = [s for s in senses if any(w == lemma for w in self.synsets[s].words)]
            senses = [s for s in ordinary or senses if self.synsets[s].fit and len(self.synsets[s].definition) > 3]
            if not senses:
                continue
            words = [w for s in senses for w in sorted(self.synsets[s].words, key=lambda w: w != lemma) if w.lower() == lemma]
            entry = Entry(key, words[0] if words else lemma, tuple(senses), score, self._weight(lemma, score))
            if not self._is_name(key, senses[0]):
                self.entries[key] = entry
            elif re.fullmatch(r"[A-Z][A-Za-z'\- ]{2,24}", entry.word):
                self.unknown.append(replace(entry, weight=max(.5, entry.weight)))
        # Without those that are also a word or look like its plural: «Frank», «Fields».
        words = {lemma for lemma, _ in self.entries}
        self.unknown = [e for e in self.unknown if not {e.key[0], e.key[0].removesuffix('s'), e.key[0].removesuffix('es')} & words]
        self._relations()

    def _instance(self, synset: str) -> bool:
        return any(kind == '@i' for kind, *_ in self.synsets[synset].pointers)

    def _is_name(self, key: Key, synset: str) -> bool:
        """Whether it is a name, of a person or a city or in Latin of a family of plants, rather than a kind of thing; `synset` is its first sense here."""
        if key[0] in self.synsets[synset].words:
            return False
        if self._instance(synset) or any(GROUP.search(self.synsets[p].words[0]) for kind, p, *_ in self.synsets[synset].pointers if kind == '@' and self.synsets[synset].file in (5, 20)):
            return True
        return self._instance(self.order[key][0]) and all(key[0] not in self.synsets[s].words for s in self.order[key])

    def single(self, e: Entry) -> bool:
        """Whether there is one of it, as of the sun."""
        return e.key[1] == 'n' and self._instance(e.senses[0]) and self.definition(e).startswith('the ')

    def _countable(self) -> dict[str, float]:
        """How often a word stands after «a» in WordNet's own texts, where it ends a noun phrase: of five or more."""
        after: Counter[str] = Counter()
        total: Counter[str] = Counter()
        ends = set('of that with in for to on is was and or by from at who which as are has'.split()) | set('.,;:)"')
        for s in self.synsets.values():
            for text in (s.definition, *s.examples):
                words = re.findall(r"[a-z'-]+|[.,;:)\"]", text.lower()) + ['.']
                for i, w in enumerate(words[:-1]):
                    if words[i + 1] in ends:
                        total[w] += 1
                        after[w] += 'a' in (words[i - 1:i] or ['']) + (words[i - 2:i - 1] or ['']) or 'an' in words[max(0, i - 2):i]
        return {w: after[w] / n for w, n in total.items() if n >= 5}

    @staticmethod
    def _weight(lemma: str, score: float) -> float:
        """How often an entry is asked for in training; 0 leaves it out."""
        if not re.fullmatch(r"[a-z][a-z'\- ]*", lemma) or not 2 <= len(lemma) <= 24:
            return 0
        for least, weight in ((8, 6), (2, 3), (.6, 1.5)):
            if score >= least:
                return weight
        return .5 if score > 0 or re.fullmatch('[a-z]{3,9}', lemma) else 0

    def _relations(self) -> None:
        entries = self.entries
        self.taught = sorted((e for e in entries.values() if e.weight > 0), key=lambda e: (-e.score, e.key))
        self.nouns = [e for e in self.taught if e.key[1] == 'n']
        self.best_pos: dict[str, str] = {}
        for e in self.taught:
            self.best_pos.setdefault(e.key[0], e.key[1])
        self.parents = {i: tuple(t for kind, t, *_ in s.pointers if kind in ('@', '@i')) for i, s in self.synsets.items() if i[0] == 'n'}
        self.children: dict[str, list[str]] = defaultdict(list)
        for i, parents in self.parents.items():
            for p in parents:
                self.children[p].append(i)
        # The name of a synset: its most frequent word that means it first of all.
        self.names: dict[str, str] = {}
        for i in self.parents:
            fits = [e for w in self.synsets[i].words if (e := entries.get((w.lower(), 'n'))) and e.senses[0] == i and len(w) < 22]
            if fits:
                self.names[i] = max(fits, key=lambda e: e.score).word
        self.antonyms: dict[Key, tuple[str, ...]] = {}
        found: dict[Key, list[tuple[str, str]]] = defaultdict(list)
        for i, s in self.synsets.items():
            for kind, target, a, b in s.pointers:
                if kind == '!' and a and b:
                    found[s.words[a - 1].lower(), i[0]].append((i, self.synsets[target].words[b - 1]))
        for key, pairs in found.items():
            if key in entries and entries[key].weight > 0:
                senses = self.order[key]
                self.antonyms[key] = tuple(dict.fromkeys(w for _, w in sorted(pairs, key=lambda p: (senses.index(p[0]) if p[0] in senses else 99, p[1]))))

    def definition(self, e: Entry, sense: int = 0) -> str:
        return self.synsets[e.senses[sense]].definition

    def synonyms(self, e: Entry) -> tuple[str, ...]:
        """Up to four words of the first of its two main senses that has others."""
        for i in e.senses[:2]:
            words = tuple(w for w in self.synsets[i].words if w.lower() != e.key[0])
            if words and self.synsets[i].fit:
                return words[:4]
        return ()

    def all_synonyms(self, lemma: str) -> set[str]:
        """Every word that shares a synset with `lemma`, in lower case."""
        return {w.lower() for p in self.pos_of[lemma] for i in self.order[lemma, p] for w in self.synsets[i].words} - {lemma}

    def all_antonyms(self, lemma: str) -> set[str]:
        return {w.lower() for p in 'nvar' for w in self.antonyms.get((lemma, p), ())}

    def example(self, e: Entry) -> str | None:
        stem = e.key[0][:max(3, len(e.key[0]) - 2)]
        for i in e.senses[:2]:
            for text in self.synsets[i].examples:
                if stem in text.lower() and 3 < len(text.split()) < 14 and text.isascii():
                    text = text.strip(' .')
                    return text[0].upper() + text[1:] + ('' if text[-1] in '?!' else '.')
        return None

    @functools.cache
    def ancestors(self, lemma: str) -> frozenset[str]:
        """The synset of the first sense of a noun and everything above it."""
        seen: set[str] = set()
        todo = [self.entries[lemma, 'n'].senses[0]]
        while todo:
            i = todo.pop()
            if i not in seen:
                seen.add(i)
                todo += self.parents.get(i, ())
        return frozenset(seen)

    def is_a(self, lemma: str, kind: str) -> bool:
        """Whether the first sense of `lemma` falls under any sense of the noun `kind`."""
        return bool(set(self.order.get((kind.lower(), 'n'), ())) & self.ancestors(lemma))

    @functools.cache
    def chain(self, lemma: str, through: str | None = None) -> tuple[str, ...]:
        """
        What a noun is a kind of, step by step, in words that people use: along the first hypernyms, or along the shortest
        way to the synset `through` and then up.
        """
        start = self.entries[lemma, 'n'].senses[0]
        path = [start]
        if through is not None:
            before = {start: start}
            queue = [start]
            while queue and through not in before:
                i = queue.pop(0)
                for p in self.parents.get(i, ()):
                    if p not in before:
                        before[p] = i
                        queue.append(p)
            if through not in before:
                return ()
            path = [through]
            while path[0] != start:
                path.insert(0, before[path[0]])
        while self.parents.get(path[-1]):
            path.append(self.parents[path[-1]][0])
        words: list[str] = []
        for i in path[1:]:
            name = self.names.get(i)
            known = name is not None and (i == through or not words or self.entries[name.lower(), 'n'].score >= 4)
            if known and name.lower() != lemma and name not in HOLLOW and name not in words:
                words.append(name)
        return tuple(words[:6])
