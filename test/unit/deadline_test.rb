# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork"

# What an app does with a deadline, and what a callback learns of a request that is late. test/integration/deadlines_test.rb
# has the effects.
class DeadlineTest < UnitTest
  Request = Struct.new(:deadline) do
    include Pitchfork::Deadline
  end

  def test_extend_deadline
    request = Request.new(100.0)

    assert_in_delta(130, request.extend_deadline(30))
    assert_in_delta(129.5, request.extend_deadline(-0.5))
    assert_in_delta(129.5, request.deadline)
  end

  def test_remaining
    now = Process.clock_gettime(Process::CLOCK_MONOTONIC)

    assert_in_delta(60, Request.new(now + 60).remaining, 10)
    assert_operator(Request.new(now - 1).remaining, :<=, -1)
  end

  def test_when_the_request_is_over
    request = Request.new(nil)

    assert_nil(request.extend_deadline(30))
    assert_nil(request.remaining)
    assert_nil(request.deadline)
  end

  def test_a_callback_takes_over_the_threads_variables
    stuck = Thread.new do
      Thread.current[:request] = "abc"
      Thread.current.thread_variable_set(:user, "Ann")
      [].tap { |array| array << array }.inspect # leaves a variable of Ruby's own
      Thread.stop
    end
    Thread.pass until stuck.stop?
    info = Pitchfork::LateRequest::Info.new(stuck, { "PATH_INFO" => "/" })
    Thread.new do
      info.copy_thread_variables!

      assert_equal(%i[request], Thread.current.keys - %i[__recursive_key__])
      refute_same(stuck[:__recursive_key__], Thread.current[:__recursive_key__]) if stuck.key?(:__recursive_key__)
      assert_equal("abc", Thread.current[:request])
      assert_equal("Ann", Thread.current.thread_variable_get(:user))
    end.join
    assert_equal([stuck, "/"], [info.thread, info.rack_env["PATH_INFO"]])
  ensure
    stuck.kill
  end
end
