# frozen_string_literal: true

# The smallest app there is, a constant: what a request costs is what the server costs. (An app that middleware may wrap
# has to return a new Array and Hash every time, as examples/hello.ru does.)
response = [200, { "content-type" => "text/plain", "content-length" => "12" }, ["Hello World\n"]]

run ->(_env) { response }
