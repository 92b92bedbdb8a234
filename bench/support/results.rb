# frozen_string_literal: true

require "fileutils"

module Bench
  RESULTS = File.expand_path("../results", __dir__)

  # What stands in bench/results was measured as a whole: a run of some apps, or with few requests, leaves it alone.
  #
  # @param files [Hash{String => String}] contents by name
  # @param if_complete [Boolean] whether everything was measured
  def self.write_results(files, if_complete:)
    return warn("bench/results is left alone: not everything was measured") unless if_complete

    FileUtils.mkdir_p(RESULTS)
    files.each { |name, content| File.write(File.join(RESULTS, name), content) }
  end
end
