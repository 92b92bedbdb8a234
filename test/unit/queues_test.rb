# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/configuration"
require "pitchfork/inheritance"
require "pitchfork/listener"

# An address with several accept queues.
class QueuesTest < UnitTest
  def setup
    @listeners = []
  end

  def teardown
    @listeners.each(&:close)
  end

  def test_the_sockets_share_the_port_that_the_kernel_has_chosen
    listener = bind(queues: 3)

    assert_equal(3, listener.ios.size)
    assert_equal([listener.address.port], listener.ios.map { |io| io.local_address.ip_port }.uniq)
    assert_equal(listener.ios.map(&:fileno), listener.descriptors)
    assert(listener.ios.all? { |io| io.nonblock? && io.close_on_exec? })
    listener.close
    assert(listener.ios.all?(&:closed?))
  end

  def test_connections_are_spread_over_them
    listener = bind(queues: 3, tcp_defer_accept: 0).listen
    clients = Array.new(90) { TCPSocket.new("127.0.0.1", listener.address.port) }
    counts = listener.ios.map { |io| drain(io) }

    assert_equal(clients.size, counts.sum)
    assert(counts.all?(&:positive?), counts.inspect)
  ensure
    clients&.each(&:close)
  end

  def test_every_socket_has_the_options
    listener = bind(queues: 2, tcp_nodelay: false, backlog: 7, tcp_defer_accept: 3).listen
    # tcpi_sacked, the 6th 32-bit word after 8 bytes of flags, is the backlog of a listening socket.
    backlogs = listener.ios.map { |io| io.getsockopt(:TCP, :INFO).data.unpack("C8L6").last }

    assert_equal([7, 7], backlogs)
    assert_equal([0, 0], listener.ios.map { |io| io.getsockopt(:TCP, :NODELAY).int })
    assert(listener.ios.all? { |io| io.getsockopt(:TCP, :DEFER_ACCEPT).int >= 3 })
  end

  def test_worker_0_accepts_from_all_and_the_others_from_some
    listener = bind(queues: 4, queues_per_worker: 2)
    a, b, c, d = listener.ios
    accepted = Array.new(6) { |number| listener.ios_for(number) }

    assert_equal([[a, b, c, d], [b, c], [c, d], [d, a], [a, b], [b, c]], accepted)
    assert_equal([b, c, d], bind(queues: 4).then { |other| other.ios_for(1).map { |io| [a, b, c, d][other.ios.index(io)] } })
  end

  # Whatever the numbers are, TTOU included, which takes the highest numbers first.
  def test_no_queue_is_without_a_worker
    [1, 2, 5].product([1, 2, 5], [1, 2, 5]).each do |queues, per_worker, workers|
      next if per_worker > queues

      listener = bind(queues: queues, queues_per_worker: per_worker)
      accepted = Array.new(workers) { |number| listener.ios_for(number) }

      assert_empty(listener.ios - accepted.flatten, [queues, per_worker, workers])
      assert(accepted.drop(1).all? { |ios| ios.uniq.size == per_worker })
    end
  end

  # Sockets with SO_REUSEPORT join each other; two servers must not.
  def test_another_server_is_noticed_while_it_boots_and_while_it_serves
    booting = bind(queues: 2)
    second = bind(booting.to_s, queues: 2)
    booting.listen

    assert_raises(Pitchfork::BindError) { second.listen }
    assert_raises(Pitchfork::BindError) { bind(booting.to_s, queues: 2, tries: 0) }
  end

  def test_a_unix_socket_has_one_queue
    listener = bind("unix:app.sock", queues: 3, queues_per_worker: 2)

    assert_equal(1, listener.ios.size)
    assert_equal([listener.ios] * 2, [0, 1].map { |number| listener.ios_for(number) })
  end

  def test_the_number_of_queues_stays
    listener = bind(queues: 2)
    complaints = listener.respecify(Pitchfork::ListenerSpec.parse("127.0.0.1:0", queues: 3))

    assert_equal(["listen 127.0.0.1:0: queues can't be changed while the server runs"], complaints)
    assert_equal(2, listener.ios.size)
  end

  def test_inherited
    listeners = [bind(queues: 2), bind]
    numbers = listeners.map { |listener| listener.ios.map { |io| copy(io) } }
    given = Pitchfork::Inheritance.new(generation: 7, channel: copy($stdin), death_pipe: copy($stdin), scoreboard: copy($stdin),
                                       sockets: numbers, variables: %w[MALLOC_ARENA_MAX])
    ENV.update(given.environment)
    taken = Pitchfork::Inheritance.take

    assert_equal(given, taken)
    inherited = taken.listeners(listeners.map(&:spec))
    @listeners.concat(inherited)
    assert_equal([2, 1], inherited.map { |listener| listener.ios.size })
    assert_equal(listeners.map(&:to_s), inherited.map(&:to_s))
  end

  private

  def bind(address = "127.0.0.1:0", **options)
    spec = Pitchfork::ListenerSpec.parse(address, options)
    Pitchfork::Listener.bind(spec, Logger.new(IO::NULL)).tap { |listener| @listeners << listener }
  end

  def drain(socket)
    (0..).find do
      accepted = socket.accept_nonblock(exception: false)
      next true if accepted == :wait_readable

      accepted.first.close
    end
  end

  # A descriptor that no Ruby object will close, as after exec.
  def copy(io)
    io.dup.tap { |copy| copy.autoclose = false }.fileno
  end
end
