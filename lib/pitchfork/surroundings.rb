# frozen_string_literal: true

module Pitchfork
  # What a configuration file finds besides itself, and may change: the environment, the load path and the working directory.
  Surroundings = Struct.new(:environment, :load_path, :directory) do
    # @return [Surroundings] of this process
    def self.now
      new(ENV.to_h, $LOAD_PATH.dup, working_directory)
    end

    # @return [String, nil] nil when it was removed, as deployments do with the old code
    def self.working_directory
      Dir.pwd
    rescue Errno::ENOENT
      nil
    end
    private_class_method :working_directory

    # Makes them this process's own.
    def enter
      ENV.replace(environment)
      $LOAD_PATH.replace(load_path)
      Dir.chdir(directory) if directory
    rescue SystemCallError
      # Removed meanwhile: one place is as good as another then.
    end
  end
end
