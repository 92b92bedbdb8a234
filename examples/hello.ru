# frozen_string_literal: true

# pitchfork examples/hello.ru
run ->(_env) { [200, { "content-type" => "text/plain", "content-length" => "12" }, ["Hello World\n"]] }
