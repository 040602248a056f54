"""The nouns: what is looked at (`Blob`, `Place`), what is seen (`Finding`), what is not (`Gap`), and the `Report`.

Plain data without behaviour of its own, so that every room above can speak of the same things.
"""
