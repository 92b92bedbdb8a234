# frozen_string_literal: true

require "etc"
require "pitchfork/errors"

module Pitchfork
  # The user and the group that the app runs as. The master keeps its own: a hot restart may have to bind a port below 1024.
  class Privileges
    # @return [Privileges, nil] nil: everything runs as who has started the server
    # @raise [ConfigurationError] when there is no such user or group, or this process may not become them
    def self.of(configuration)
      user, group = configuration.user, configuration.group
      return new(user, group) if user
      raise ConfigurationError, "group #{group.inspect} needs a user: write user \"name\", too" if group
    end

    # @param user [String]
    # @param group [String, nil] nil: the user's own
    def initialize(user, group = nil)
      @user = look_up("user", user) { Etc.getpwnam(user) }
      @group = group ? look_up("group", group) { Etc.getgrnam(group) } : @user
      return if had? || Process.euid.zero?

      raise ConfigurationError, "user #{user.inspect}: only root can become another user, and this is " \
                                "#{Etc.getpwuid&.name || Process.euid}; start the server as root, or leave user and group out"
    end

    # Becomes the user for good: real, effective and saved ids, and the groups that the user is a member of.
    def drop
      return if had?

      Process.initgroups(@user.name, @group.gid)
      Process::GID.change_privilege(@group.gid)
      Process::UID.change_privilege(@user.uid)
      # The kernel hides a process that has changed its user from its new user, too, and forgets what PDEATHSIG was.
      self.class.be_visible
    end

    # Makes a file the user's.
    #
    # @param file [File] that is open
    def give(file)
      file.chown(@user.uid, @group.gid) unless had?
    end

    # @return [String] as messages name it
    def to_s
      "user #{@user.name}"
    end

    private

    def had?
      Process.euid == @user.uid && Process.egid == @group.gid
    end

    def look_up(kind, name)
      yield
    rescue ArgumentError
      raise ConfigurationError, "#{kind} #{name.inspect}: there is no such #{kind} on this machine"
    end
  end
end
