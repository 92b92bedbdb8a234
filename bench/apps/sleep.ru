# frozen_string_literal: true

# Two milliseconds of waiting, for a database say: what a request costs is time, not processor.
response = [200, { "content-type" => "text/plain", "content-length" => "12" }, ["Hello World\n"]]

run ->(_env) do
  sleep(0.002)
  response
end
