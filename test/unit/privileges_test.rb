# frozen_string_literal: true

require "support/unit_helper"
require "pitchfork/privileges"

class PrivilegesTest < UnitTest
  Settings = Struct.new(:user, :group)
  # Exists everywhere, and owns nothing.
  OTHER = Etc.getpwnam("nobody")

  def test_nobody_is_asked_for
    assert_nil(of(nil))
  end

  def test_unknown_names
    assert_message('user "nobodyy": there is no such user on this machine') { of("nobodyy") }
    assert_message('group "nogroupp": there is no such group on this machine') { of("root", "nogroupp") }
  end

  def test_a_group_alone
    assert_message('group "root" needs a user: write user "name", too') { of(nil, "root") }
  end

  def test_only_root_can_become_another_user
    assert_equal('user "root": only root can become another user, and this is nobody; ' \
                 "start the server as root, or leave user and group out", as_nobody { of("root") })
  end

  def test_to_be_already_who_is_asked_for
    assert_equal("nothing to do", as_nobody do
      of("nobody").drop
      "nothing to do"
    end)
  end

  private

  def of(*names)
    Pitchfork::Privileges.of(Settings.new(*names))
  end

  # @return [String] what the block answers or raises, in another process
  def as_nobody
    skip "only root can become another user" unless Process.euid.zero?
    reader, writer = IO.pipe
    child = fork do
      Process::GID.change_privilege(OTHER.gid)
      Process::UID.change_privilege(OTHER.uid)
      writer.write(yield)
    rescue StandardError => e
      writer.write(e.message)
    ensure
      writer.flush
      exit!(0)
    end
    writer.close
    Process.wait(child)
    reader.read
  end
end
