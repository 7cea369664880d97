"""The smallest project in which somebody can be sent a message: a journey is all that it lacks."""

HEAD = """
source people {
  kind = csv
  path = "people.csv"
  key = person
  columns {
    person = text
    email = text
  }
}
profile customer {
  from people {
    email = email
  }
}
event visit {
  fields {
    page = text
  }
}
topic service {
  channels = [email]
  consent = none
}
message email hello {
  topic = service
  locale "en" {
    subject = "Hello"
    body = "Hello"
  }
}
"""

# A shop with a purchase, a topic that needs consent, and a message.
SHOP = """\
source shop {
  kind = csv
  path = "customers.csv"
  key = id
  columns {
    id = text
    email = text
    points = integer
  }
}

profile customer {
  from shop {
    email = email
    points = points
  }
}

topic news {
  channels = [email]
  consent = opt_in
}

event purchase {
  fields {
    amount = money(EUR)
  }
}

message email hello {
  topic = news
  locale "en" {
    subject = "Hello"
    body = "You have {{ points | default: 0 }} points."
  }
}

"""
