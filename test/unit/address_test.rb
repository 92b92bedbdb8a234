# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/address"

class AddressTest < UnitTest
  TCP = {
    8080 => ["0.0.0.0", 8080, "0.0.0.0:8080"],
    0 => ["0.0.0.0", 0, "0.0.0.0:0"],
    "8080" => ["0.0.0.0", 8080, "0.0.0.0:8080"],
    " 8080\n" => ["0.0.0.0", 8080, "0.0.0.0:8080"],
    ":8080" => ["0.0.0.0", 8080, "0.0.0.0:8080"],
    "*:8080" => ["0.0.0.0", 8080, "0.0.0.0:8080"],
    "127.0.0.1:65535" => ["127.0.0.1", 65_535, "127.0.0.1:65535"],
    "localhost:08080" => ["localhost", 8080, "localhost:8080"],
    "my-host.example:1" => ["my-host.example", 1, "my-host.example:1"],
    "[::1]:8080" => ["::1", 8080, "[::1]:8080"],
    "[::]:0" => ["::", 0, "[::]:0"],
    "[2001:db8::7]:80" => ["2001:db8::7", 80, "[2001:db8::7]:80"]
  }.freeze

  TCP.each do |value, (host, port, text)|
    define_method("test_tcp_#{value.inspect}") do
      address = Pitchfork::Address.parse(value)

      assert_equal([:tcp, host, port, nil], [address.kind, address.host, address.port, address.path])
      assert_equal([text, "http://#{text}", false], [address.to_s, address.url, address.unix?])
      assert_equal(address, Pitchfork::Address.parse(address.to_s))
    end
  end

  UNIX = {
    "/run/app.sock" => "/run/app.sock",
    "/run/../app.sock" => "/app.sock",
    "//run//app.sock" => "/run/app.sock",
    "unix:/run/app.sock" => "/run/app.sock",
    "unix:///run/app.sock" => "/run/app.sock",
    "/run/a:8080" => "/run/a:8080"
  }.freeze

  UNIX.each do |value, path|
    define_method("test_unix_#{value}") do
      address = Pitchfork::Address.parse(value)

      assert_equal([:unix, nil, nil, path], [address.kind, address.host, address.port, address.path])
      assert_equal([path, "unix:#{path}", true], [address.to_s, address.url, address.unix?])
      assert_equal(address, Pitchfork::Address.parse(address.to_s))
    end
  end

  def test_unix_paths_that_are_not_absolute
    assert_equal("#{@directory}/app.sock", Pitchfork::Address.parse("unix:app.sock").path)
    assert_equal("#{Dir.home}/app.sock", Pitchfork::Address.parse("~/app.sock").path)
  end

  FORMS = '8080, "host:8080", "[::1]:8080", "/path.sock", "~/path.sock" or "unix:path.sock"'
  BAD = {
    nil => "expected an address (#{FORMS}), got nil",
    80.5 => "expected an address (#{FORMS}), got 80.5",
    "" => "the address is empty; expected #{FORMS}",
    "  " => "the address is empty; expected #{FORMS}",
    -1 => "-1: expected a port from 0 to 65535, got -1",
    65_536 => "65536: expected a port from 0 to 65535, got 65536",
    "99999" => '99999: expected a port from 0 to 65535, got "99999"',
    "-80" => "-80: expected a port from 0 to 65535",
    "localhost:http" => 'localhost:http: expected a port from 0 to 65535, got "http"',
    "localhost:" => 'localhost:: expected a port from 0 to 65535, got ""',
    "localhost:70000" => 'localhost:70000: expected a port from 0 to 65535, got "70000"',
    "localhost" => 'localhost: the port is missing, as in "localhost:8080"',
    "127.0.0.1" => '127.0.0.1: the port is missing, as in "127.0.0.1:8080"',
    "[::1]" => '[::1]: the port is missing, as in "[::1]:8080"',
    "::1" => '::1: an IPv6 address is written in brackets, as in "[::1]:8080"',
    "::1:8080" => '::1:8080: an IPv6 address is written in brackets, as in "[::1]:8080"',
    "[localhost]:80" => '[localhost]:80: expected an IPv6 address in the brackets, got "localhost"',
    "[127.0.0.1]:80" => '[127.0.0.1]:80: expected an IPv6 address in the brackets, got "127.0.0.1"',
    "[::1]:x" => '[::1]:x: expected a port from 0 to 65535, got "x"',
    "http://localhost:80" => "http://localhost:80: an address is not a URL; expected #{FORMS}",
    "tmp/app.sock" => 'tmp/app.sock: a path starts with "/", "~/" or "unix:"',
    "two words" => "two words: expected #{FORMS}",
    "unix:" => "the path of a UNIX socket is empty"
  }.freeze

  BAD.each do |value, message|
    define_method("test_bad_#{value.inspect}") { assert_message(message) { Pitchfork::Address.parse(value) } }
  end

  def test_a_path_that_does_not_fit_into_a_socket_address
    fits = "/#{"a" * 106}"

    assert_equal(fits, Pitchfork::Address.parse(fits).path)
    assert_message("#{fits}a: the path of a UNIX socket may have 107 bytes, this one has 108") do
      Pitchfork::Address.parse("#{fits}a")
    end
  end

  def test_equality_and_another_port
    addresses = [8080, "0.0.0.0:8080", "[::1]:8080"].map { |value| Pitchfork::Address.parse(value) }

    assert_equal(2, addresses.uniq.size)
    assert_equal("[::1]:9", addresses.last.with_port(9).to_s)
    assert_same(addresses.first, Pitchfork::Address.parse(addresses.first))
    assert(addresses.all?(&:frozen?))
  end
end
