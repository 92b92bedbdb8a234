# frozen_string_literal: true

require_relative "lib/pitchfork/version"

Gem::Specification.new do |spec|
  spec.name = "pitchfork"
  spec.version = Pitchfork::VERSION
  spec.summary = "A preforking Rack server that reforks: warmed-up workers become the mold of the next ones"
  spec.description = <<~TEXT
    pitchfork serves Rack applications from preforked workers. Once a worker is warmed up it is promoted to a mold, and
    fresh workers forked from it replace the old ones, so that caches, compiled code and other memory that grew while
    serving are shared copy-on-write between all of them.
  TEXT
  spec.authors = ["The pitchfork contributors"]
  spec.license = "MIT"
  spec.metadata = { "rubygems_mfa_required" => "true" }

  # magnus, which the extension is written with, supports no older Ruby.
  spec.required_ruby_version = ">= 3.1"

  # Listed by pattern, not by git: the gem is also built from trees without a repository. Cargo.lock belongs to
  # the gem, as the extension is built with --locked; both crates are members of the workspace in Cargo.toml.
  spec.files = Dir.glob(
    %w[
      lib/**/* exe/* ext/*/src/**/* ext/*/{Cargo.toml,build.rs} ext/pitchfork/*.rb
      Cargo.{toml,lock} {README,CHANGELOG}.md LICENSE docs/**/*
    ], base: __dir__
  ).select { |path| File.file?(File.join(__dir__, path)) }.grep_v(/\.so/).sort
  spec.bindir = "exe"
  spec.executables = Dir.children(File.join(__dir__, "exe")).sort
  spec.extensions = ["ext/pitchfork/extconf.rb"]

  # 2.2 is the oldest Rack whose interface the server is tested with, and the next major one may change that interface.
  spec.add_dependency "rack", ">= 2.2", "< 4"
end
