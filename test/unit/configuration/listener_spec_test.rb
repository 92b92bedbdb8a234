# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration/listener_spec"

class ListenerSpecTest < UnitTest
  def test_defaults
    defaults = { backlog: 1024, tcp_nodelay: true, tcp_nopush: false, ipv6only: nil, reuseport: false, rcvbuf: nil,
                 sndbuf: nil, umask: 0, tcp_defer_accept: 1, tries: 5, delay: 0.5, queues: 1, queues_per_worker: 1 }

    assert_equal(defaults, spec.options)
    assert_equal("0.0.0.0:8080", spec.address.to_s)
  end

  def test_options
    given = { backlog: 5, tcp_nodelay: false, tcp_nopush: true, ipv6only: true, reuseport: true, rcvbuf: 4096,
              sndbuf: 8192, umask: 0o077, tcp_defer_accept: 0, tries: -1, delay: 0, queues: 4, queues_per_worker: 2 }

    assert_equal(given, spec(**given).options)
    assert_equal(5, spec(**given)[:backlog])
  end

  def test_values_that_stand_for_others
    assert_equal([1, 0, 3], [true, false, 3].map { |value| spec(tcp_defer_accept: value)[:tcp_defer_accept] })
    assert_equal([1, 1, 2, 7], [1, 2, 3, 8].map { |queues| spec(queues: queues)[:queues_per_worker] })
  end

  BAD = {
    { backlog: "many" } => 'backlog: expected an Integer from 1 to 65535, got "many"',
    { tcp_nodelay: 1 } => "tcp_nodelay: expected true or false, got 1",
    { ipv6only: 0 } => "ipv6only: expected true or false (or nil), got 0",
    { rcvbuf: 0 } => "rcvbuf: expected an Integer >= 1 (or nil), got 0",
    { umask: "077" } => 'umask: expected an Integer from 0 to 0o777, got "077"',
    { umask: 0o1000 } => "umask: expected an Integer from 0 to 0o777, got 512",
    { tcp_defer_accept: -1 } => "tcp_defer_accept: expected an Integer >= 0, true or false, got -1",
    { tries: -2 } => "tries: expected an Integer >= -1, got -2",
    { delay: -1 } => "delay: expected a number of seconds >= 0, got -1",
    { queues: 0 } => "queues: expected an Integer from 1 to 1024, got 0",
    { queues: 2, queues_per_worker: 3 } => "queues_per_worker: expected at most queues (2), got 3",
    { reusport: true } => "unknown option reusport; did you mean reuseport?",
    { something: true } => "unknown option something"
  }.freeze

  BAD.each do |given, message|
    define_method("test_bad_#{given}") { assert_message(message) { spec(**given) } }
  end

  def test_same_place
    specs = [80, "0.0.0.0:80", 81].map { |value| Pitchfork::ListenerSpec.parse(value) }

    assert_equal([true, true, false], specs.map { |other| specs.first.same_place?(other) })
    refute(Pitchfork::ListenerSpec.parse(0).same_place?(Pitchfork::ListenerSpec.parse(0)))
  end

  private

  def spec(**options)
    Pitchfork::ListenerSpec.parse(8080, options)
  end
end
