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
