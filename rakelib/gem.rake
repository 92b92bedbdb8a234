# frozen_string_literal: true

desc "Build the gem into pkg/"
task :gem do
  mkdir_p "pkg"
  specification = Gem::Specification.load("pitchfork.gemspec")
  ruby "-S", "gem", "build", "pitchfork.gemspec", "--output", "pkg/#{specification.file_name}"
end
