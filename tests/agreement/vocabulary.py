"""The declarations all scenarios share: events, fields, topics, messages and an action."""

from tests.projects import HEAD as SHARED

_FIELDS = """
  fields {
    stage = integer
  }
"""
_MORE = """
event raised {
  fields {
    level = integer
  }
}

action ask {
  parameters {
    about = optional(integer)
    word = optional(text)
  }
  returns {
    score = integer
  }
}

segment loud {
  where count(opened within last 3 days) > 1
}

topic transactional {
  channels = [email, sms]
  consent = none
}

message email flash {
  topic = news
  expires = 1 hour
  locale "en" {
    subject = "Only today"
    body = "-"
  }
}

message sms ping {
  topic = news
  expires = 2 hours
  locale "en" {
    text = "-"
  }
}

message email receipt {
  topic = transactional
  locale "en" {
    subject = "Your receipt"
    body = "-"
  }
}
"""


def _with(text: str, before: str, more: str) -> str:
    assert before in text
    return text.replace(before, before + more, 1)


HEAD = _with(SHARED, "    email = text\n", "    phone = text\n")
HEAD = _with(HEAD, "    email = email\n", "    phone = phone\n")
HEAD = _with(HEAD, "    consent.news = news\n  }", _FIELDS) + _MORE
