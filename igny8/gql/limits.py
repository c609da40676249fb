# STAND-IN by the lead so that the rest can run: helper 2 overwrites this file.
from dataclasses import dataclass

from graphql import parse


@dataclass
class Limits:
    max_tokens: int

    @classmethod
    def of(cls, settings, *, signed_in):
        return cls(settings.max_tokens if signed_in else settings.max_tokens_anonymous)


@dataclass
class Cost:
    points: int
    nodes: int


class Analysis:
    def cost(self, variables):
        return Cost(1, 1)


def parse_document(text, limits):
    return parse(text, max_tokens=limits.max_tokens)


def analyse(document, schema, limits):
    return Analysis()
