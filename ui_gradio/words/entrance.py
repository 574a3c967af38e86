"""Words of the pages before sign-in."""

from collections.abc import Mapping

WORDS: Mapping[str, tuple[str, str]] = {
    # fields and what may be wrong with them
    "field.email": ("E-mail address", "이메일 주소"),
    "field.password": ("Password", "비밀번호"),
    "field.newpassword": ("New password", "새 비밀번호"),
    "field.newpassword.hint": (
        "At least 10 characters. Several uncommon words in a row are good.",
        "10자 이상으로 정하세요. 흔하지 않은 단어 여러 개를 이어 쓰면 좋습니다.",
    ),
    "field.name": ("Name", "이름"),
    "field.name.hint": ("How others will see you.", "다른 사람에게 보이는 이름입니다."),
    "field.code": ("Code", "인증 코드"),
    "field.show": ("Show", "표시"),
    "field.hide": ("Hide", "숨김"),
    "wrong.email": (
        "Enter a whole e-mail address, such as ada@example.com.",
        "ada@example.com처럼 이메일 주소 전체를 입력하세요.",
    ),
    "wrong.name": ("Enter a name of up to 200 characters.", "이름을 200자까지 입력하세요."),
    "wrong.password": (
        "Choose a longer password that nobody would guess.",
        "더 길고 아무도 짐작할 수 없는 비밀번호로 정하세요.",
    ),
    "wrong.new_password": (
        "Choose a longer password that nobody would guess.",
        "더 길고 아무도 짐작할 수 없는 비밀번호로 정하세요.",
    ),
    "wrong.code": ("Enter the six digits that your app shows.", "앱에 보이는 숫자 여섯 자리를 입력하세요."),
    "wrong.token": ("This does not look like a sign-in link.", "로그인 링크가 아닌 것 같습니다."),
    "problem.invalid_credentials": (
        "The address or the password is not right.",
        "이메일 주소나 비밀번호가 맞지 않습니다.",
    ),
    "problem.email_unverified": (
        "Open the link in the mail that we have just sent you again: it confirms that the address is yours.",
        "방금 다시 보내 드린 메일의 링크를 열어 이메일 주소를 확인해 주세요.",
    ),
    "problem.mfa_invalid": (
        "This code is not right, or it was used already. Enter the newest one.",
        "코드가 틀렸거나 이미 쓴 코드입니다. 새로 나온 코드를 입력하세요.",
    ),
    "problem.too_many_requests": (
        "Too many attempts. Try again in {t} seconds.",
        "시도가 너무 많았습니다. {t}초 뒤에 다시 시도해 주세요.",
    ),
    "problem.registration_closed": (
        "Accounts are made by an administrator here. Ask yours.",
        "여기서는 관리자가 계정을 만듭니다. 관리자에게 문의하세요.",
    ),
    "problem.invitation_required": (
        "You need an invitation to make an account here.",
        "여기서 계정을 만들려면 초대가 필요합니다.",
    ),
    "problem.account_exists": (
        "There is an account for this address already. Sign in, then open the invitation again.",
        "이 주소의 계정이 이미 있습니다. 로그인한 뒤 초대를 다시 여세요.",
    ),
    "problem.provider_email_unverified": (
        "That site has not confirmed your e-mail address yet. Confirm it there first, then come back.",
        "그 사이트에서 이메일 주소가 아직 확인되지 않았습니다. 먼저 그곳에서 확인한 뒤 다시 오세요.",
    ),
    "problem.provider": (
        "Signing in there did not work, or was broken off. Try again, or use your password.",
        "그곳에서 로그인하지 못했거나 중간에 멈췄습니다. 다시 시도하거나 비밀번호로 로그인하세요.",
    ),
    "problem.expired": (
        "That took too long. Sign in again from the start.",
        "시간이 너무 지났습니다. 처음부터 다시 로그인하세요.",
    ),
    "foreign.title": ("This form came from another site", "다른 사이트에서 보낸 요청입니다"),
    "foreign.body": (
        "Nothing was done. Start again from here.",
        "아무것도 처리하지 않았습니다. 처음부터 다시 해 주세요.",
    ),
    # Sign in
    "signin.title": ("Sign in", "로그인"),
    "signin.button": ("Sign in", "로그인"),
    "signin.forgot": ("Forgot your password?", "비밀번호를 잊으셨나요?"),
    "signin.register": ("Create an account", "계정 만들기"),
    "signin.invited": (
        "New here? Ask somebody who works here for an invitation.",
        "처음이신가요? 동료에게 초대를 부탁하세요.",
    ),
    "signin.or": ("or", "또는"),
    "signin.with": ("Continue with {name}", "{name}(으)로 계속"),
    "signin.link": ("I have a sign-in link", "로그인 링크가 있어요"),
    "signin.label": ("Sign-in link or token", "로그인 링크 또는 토큰"),
    "signin.open": ("Use the link", "링크로 로그인"),
    "signin.hint": (
        "The server prints one when it starts. To get another, run on the server:",
        "서버가 시작할 때 보여 줍니다. 새로 받으려면 서버에서 실행하세요:",
    ),
    "signin.invalid": (
        "This link has been used already, or it is too old. Get another with the command below.",
        "이미 쓴 링크이거나 너무 오래된 링크입니다. 아래 명령으로 새 링크를 받으세요.",
    ),
    "signin.back": ("Back to sign in", "로그인으로 돌아가기"),
    # the second factor
    "code.title": ("Confirm that it is you", "본인 확인"),
    "code.body": (
        "Enter the six digits from your authenticator app, or one of your recovery codes.",
        "인증 앱에 보이는 숫자 여섯 자리나 복구 코드를 입력하세요.",
    ),
    "code.button": ("Continue", "계속"),
    # registering
    "register.title": ("Create an account", "계정 만들기"),
    "register.button": ("Create account", "계정 만들기"),
    "register.have": ("I have an account already", "이미 계정이 있어요"),
    "registered.title": ("Look into your mail", "메일을 확인하세요"),
    "registered.body": (
        "We have sent a link to {email}. Open it to confirm the address, then sign in.",
        "{email}(으)로 링크를 보냈습니다. 링크를 열어 주소를 확인한 뒤 로그인하세요.",
    ),
    "verify.title": ("Confirm your e-mail address", "이메일 주소 확인"),
    "verify.body": ("One click, and the address is confirmed as yours.", "한 번만 누르면 확인이 끝납니다."),
    "verify.button": ("Confirm the address", "주소 확인"),
    "verified.title": ("Your e-mail address is confirmed", "이메일 주소를 확인했습니다"),
    "verified.body": ("You can sign in now.", "이제 로그인할 수 있습니다."),
    "verified.go": ("Go to your account", "내 계정으로 가기"),
    "verifiedmine.title": ("Your e-mail address is confirmed", "이메일 주소를 확인했습니다"),
    "verifiedmine.body": ("Mail to you goes to this address from now on.", "이제 메일이 이 주소로 갑니다."),
    # forgotten passwords
    "forgot.title": ("Forgot your password?", "비밀번호를 잊으셨나요?"),
    "forgot.body": (
        "Enter your address, and we send you a link to choose a new one.",
        "이메일 주소를 입력하면 새 비밀번호를 정하는 링크를 보내 드립니다.",
    ),
    "forgot.button": ("Send the link", "링크 보내기"),
    "forgotten.title": ("Look into your mail", "메일을 확인하세요"),
    "forgotten.body": (
        "If there is an account for {email}, a link is on its way. It works once, for an hour.",
        "{email} 계정이 있으면 링크를 보냈습니다. 링크는 한 시간 동안 한 번만 쓸 수 있습니다.",
    ),
    "reset.title": ("Choose a new password", "새 비밀번호 정하기"),
    "reset.body": ("You will be signed out everywhere else.", "다른 곳에서는 모두 로그아웃됩니다."),
    "reset.button": ("Change password", "비밀번호 바꾸기"),
    "resetdone.title": ("Your password is changed", "비밀번호를 바꾸었습니다"),
    "resetdone.body": ("Sign in with the new one.", "새 비밀번호로 로그인하세요."),
    # links that do not work
    "badlink.title": ("This link does not work any more", "더는 쓸 수 없는 링크입니다"),
    "badlink.body": (
        "It was used already, or it is too old, or a part of it is missing. Ask for a new one.",
        "이미 썼거나 너무 오래되었거나 일부가 빠진 링크입니다. 새 링크를 받으세요.",
    ),
    # invitations
    "join.title": ("You are invited", "초대를 받았습니다"),
    "join.body": (
        "{inviter} invites {email} to Nexus Stream.",
        "{inviter} 님이 {email} 님을 넥서스 스트림에 초대했습니다.",
    ),
    "join.space": (
        "{inviter} invites {email} to “{space}”.",
        "{inviter} 님이 {email} 님을 “{space}”에 초대했습니다.",
    ),
    "join.create": ("Create account and join", "계정을 만들고 참여"),
    "join.accept": ("Accept the invitation", "초대 수락"),
    "join.signin": ("Sign in to accept", "로그인하고 수락"),
    "join.as": ("You are signed in as {email}.", "{email}(으)로 로그인되어 있습니다."),
    "join.other": (
        "This invitation is for {email}, but you are signed in as {mine}. Sign out first, then open the link again.",
        "{email} 님에게 온 초대인데 {mine}(으)로 로그인되어 있습니다. 로그아웃한 뒤 링크를 다시 여세요.",
    ),
    "join.signout": ("Sign out", "로그아웃"),
}
