# frozen_string_literal: true

# What the settings say when nobody has set them.
HttpCases.topic "limits", "RFC 6585, 5" do
  line = ->(length) { head("GET /#{"a" * (length - "GET / HTTP/1.1".bytesize)} HTTP/1.1", "Host: a") }
  field = ->(length) { get("X: #{"a" * (length - 3)}") }
  # Two fields, for one may not be so long.
  whole = lambda do |length|
    rest = length - get("X: ", "Y: ").bytesize
    get("X: #{"a" * (rest / 2)}", "Y: #{"a" * (rest - (rest / 2))}")
  end

  accepts "a request line of 8 KiB", line[8192], rfc: "RFC 9112, 3"
  refuses 414, "a longer request line", line[8193], /request line is longer than 8192/, rfc: "RFC 9110, 15.5.15"
  refuses 414, "a request line without an end", "GET /#{"a" * 10_000}", /request line is longer than 8192/, rfc: "RFC 9110, 15.5.15"
  accepts "a field of 80 KiB", field[81_920]
  refuses 431, "a longer field", field[81_921], /field line is longer than 81920/
  refuses 431, "a field without an end", get.chomp("\r\n") + "X: #{"a" * 90_000}", /field line is longer than 81920/
  accepts "a head of 112 KiB", whole[114_688]
  refuses 431, "a longer head", whole[114_689], /head is longer than 114688/
  accepts "100 fields", get(*Array.new(99) { |i| "X-#{i}: 1" }), "HTTP_X_98" => "1"
  refuses 431, "101 fields", get(*Array.new(100) { |i| "X-#{i}: 1" }), /more than 100 fields/
end
