"""How Sphinx builds the website: `make docs`, tools/website.py."""

project = "docker-registry"
html_title = "docker-registry charm"
extensions = ["myst_parser", "sphinx_copybutton"]
myst_heading_anchors = 4  # the anchors that GitHub gives headings
nitpicky = True
highlight_language = "none"  # commands, output and configuration are in blocks alike
html_theme = "furo"
html_copy_source = False
html_use_index = False
html_show_copyright = False
html_show_sphinx = False
html_static_path = ["static"]
html_css_files = ["site.css"]
