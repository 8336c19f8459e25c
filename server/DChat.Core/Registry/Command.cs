using System.Text.Json.Serialization;

namespace DChat.Core.Registry;

/// <summary>
/// A wish to change the registry. The clock, ids, hashes and random choices that it needs are in it, so deciding is a pure function.
/// </summary>
/// <param name="CommandId">1 to 64 characters; (<paramref name="Actor"/>, id) repeated within 24 hours gets the first outcome. Empty: never recognized as a repeat.</param>
/// <param name="Actor">
/// Whose wish it is, lower case; empty for the system itself, which may do everything.
/// Only trusted code may leave it empty; a registration carries the name that it asks for.
/// </param>
/// <param name="At">Unix milliseconds UTC.</param>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "$c")]
[JsonDerivedType(typeof(CreateAccount), "createAccount")]
[JsonDerivedType(typeof(CreateAccounts), "createAccounts")]
[JsonDerivedType(typeof(ChangePassword), "changePassword")]
[JsonDerivedType(typeof(SetDisplayName), "setDisplayName")]
[JsonDerivedType(typeof(CloseAccount), "closeAccount")]
[JsonDerivedType(typeof(EndSession), "endSession")]
[JsonDerivedType(typeof(GrantRole), "grantRole")]
[JsonDerivedType(typeof(RevokeRole), "revokeRole")]
[JsonDerivedType(typeof(DisableAccount), "disableAccount")]
[JsonDerivedType(typeof(EnableAccount), "enableAccount")]
[JsonDerivedType(typeof(CreateInvitation), "createInvitation")]
[JsonDerivedType(typeof(RevokeInvitation), "revokeInvitation")]
[JsonDerivedType(typeof(CreateApiToken), "createApiToken")]
[JsonDerivedType(typeof(EndApiToken), "endApiToken")]
[JsonDerivedType(typeof(CreateRoom), "createRoom")]
[JsonDerivedType(typeof(AddMembers), "addMembers")]
[JsonDerivedType(typeof(JoinRoom), "joinRoom")]
[JsonDerivedType(typeof(LeaveRoom), "leaveRoom")]
[JsonDerivedType(typeof(UpdateRoom), "updateRoom")]
[JsonDerivedType(typeof(DeleteRoom), "deleteRoom")]
[JsonDerivedType(typeof(Invite), "invite")]
[JsonDerivedType(typeof(Kick), "kick")]
[JsonDerivedType(typeof(Ban), "ban")]
[JsonDerivedType(typeof(Unban), "unban")]
[JsonDerivedType(typeof(Mute), "mute")]
[JsonDerivedType(typeof(SetRole), "setRole")]
[JsonDerivedType(typeof(OpenDirect), "openDirect")]
[JsonDerivedType(typeof(RegisterWorker), "registerWorker")]
[JsonDerivedType(typeof(SetWorkerState), "setWorkerState")]
[JsonDerivedType(typeof(RemoveWorker), "removeWorker")]
[JsonDerivedType(typeof(AssignRooms), "assignRooms")]
[JsonDerivedType(typeof(NoteExport), "noteExport")]
[JsonDerivedType(typeof(NoteMemberReplaced), "noteMemberReplaced")]
[JsonDerivedType(typeof(AddProtectionKey), "addProtectionKey")]
public abstract record Command(string CommandId, string Actor, long At);
