// The chat page: sign in, chat, sign out.
import { Chat } from './chat.ts'
import { SignIn, type Visit } from './sign-in.ts'

const signIn = new SignIn(enter)
const visit = signIn.resume()
if (visit) enter(visit)
else signIn.show()

// A link with a token that is opened in this very tab only changes the fragment.
addEventListener('hashchange', () => {
  if (location.hash !== '') location.reload()
})

function enter(visit: Visit): void {
  try {
    const chat = new Chat(visit, (problem) => {
      signIn.forget()
      signIn.show(problem)
    })
    signIn.hide()
    chat.start()
  } catch (cause) {
    signIn.show(`This page cannot start: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}
