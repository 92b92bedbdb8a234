# frozen_string_literal: true

# Pages and JSON: GET /, GET /notes/1, POST /notes with note[body].
class NotesController < ApplicationController
  def index
    @visits = session[:visits] = session.fetch(:visits, 0) + 1
    @notes = Note.latest
    respond_to do |format|
      format.html
      format.json { render json: @notes }
    end
  end

  def show
    render json: Note.find(params[:id])
  end

  def create
    note = Note.create!(params.require(:note).permit(:body).merge(pid: Process.pid, generation: generation))
    respond_to do |format|
      format.html { redirect_to root_path }
      format.json { render json: note, status: :created }
    end
  end
end
