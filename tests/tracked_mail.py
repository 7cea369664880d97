"""A mail with links of all kinds."""

BODY = """\
<p><a href="https://shop.example/sale?a=1&amp;utm_source=own#top">Sale</a>
<a class=x href='https://shop.example/sale?a=1&amp;utm_source=own#top'>again</a>
<a href=http://shop.example:8080/b>B</a> <a href="https://partner.example">P</a>
<a href="https://{{ email | default: 'a' }}">of a value</a>
<a href="mailto:a@shop.example">mail</a> <a href="#top">top</a> <a title="href='https://shop.example/t'">t</a>
<!-- <a href="https://shop.example/comment">c</a> --><img src="https://shop.example/logo.png">
<a href="{{ links.preferences }}">settings</a></p>
"""
# Its links, as they are written without entities.
A, B = "https://shop.example/sale?a=1&utm_source=own#top", "http://shop.example:8080/b"
