# frozen_string_literal: true

# Prints what an example has measured, below the example's own line.
module Reporting
  def report(text)
    RSpec.configuration.reporter.message("  #{text}")
  end

  # @return [String] 12400 as 12,400
  def count(number)
    number.to_s.gsub(/(?<=\d)(?=(\d{3})+$)/, ",")
  end
end
