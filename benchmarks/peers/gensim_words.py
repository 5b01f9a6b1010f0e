"""Query word vectors with gensim, memory-mapped as its documentation advises: ``gensim_words.py VECTORS TASK``.

TASK: ``nearest WORD``, ``analogy A B C``, or ``analogies FILE`` (a question a line, one ``most_similar`` each).
``gensim_words.py --make TEXT VECTORS`` converts vectors in the text format of word2vec once.
"""

import sys

from gensim.models import KeyedVectors


def main() -> None:
    first, second, *rest = sys.argv[1:]
    if first == "--make":
        vectors = KeyedVectors.load_word2vec_format(second)
        vectors.fill_norms()
        vectors.save(rest[0])
        return
    vectors = KeyedVectors.load(first, mmap="r")
    if second == "nearest":
        for word, score in vectors.most_similar(rest[0], topn=10):
            print(f"{word}\t{score:.4f}")
    elif second == "analogy":
        one, other, third = rest
        print(vectors.most_similar(positive=[other, third], negative=[one], topn=1)[0][0])
    else:
        with open(rest[0], encoding="utf-8") as questions:
            for line in questions:
                one, other, third = line.split()
                print(vectors.most_similar(positive=[other, third], negative=[one], topn=1)[0][0])


if __name__ == "__main__":
    main()
